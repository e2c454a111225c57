package telemetry

import (
	"bytes"
	"io"
	"log"
)

// GuardStandardLog makes the standard logger write to w, and cuts each message at the first
// quotation mark. net/http logs bytes after a complete answer there, and quotes them: they may hold
// a token.
func GuardStandardLog(w io.Writer) { log.SetOutput(unquoted{w}) }

type unquoted struct{ to io.Writer }

// Write implements io.Writer.
func (u unquoted) Write(message []byte) (int, error) {
	before, _, quotes := bytes.Cut(message, []byte(`"`))
	if quotes {
		before = append(bytes.Clone(before), "[…]\n"...)
	}
	if _, err := u.to.Write(before); err != nil {
		return 0, err
	}
	return len(message), nil
}
