// Package awsfake is Secrets Manager and DynamoDB in memory, just enough of them to
// time a program that refreshes tokens.
//
// It is quick and keeps state, so that every refresh does what the one before it
// did. It is no test of correctness: signatures, permissions and DynamoDB's
// conditions are not checked, and an expression that it doesn't understand is an
// error. The contract tests of the homes are the judge of those.
package awsfake

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// fault is an error of the service, by the name the SDK knows.
type fault struct{ code, message string }

func (f *fault) Error() string { return f.code + ": " + f.message }

func badRequest(format string, args ...any) error {
	return &fault{code: "ValidationException", message: fmt.Sprintf(format, args...)}
}

// operation serves one request in AWS's JSON protocol.
type operation func(body []byte) (any, error)

// serve dispatches by X-Amz-Target.
func serve(w http.ResponseWriter, r *http.Request, contentType string, operations map[string]operation) {
	target := r.Header.Get("X-Amz-Target")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the connection is gone
	}
	status, text := answer(target[strings.LastIndexByte(target, '.')+1:], body, operations)
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(text)), 10)) // the SDK verifies DynamoDB's
	h.Set("X-Amzn-Requestid", "00000000-0000-4000-8000-000000000000")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// answer is the status and the body for one request.
func answer(name string, body []byte, operations map[string]operation) (status int, text []byte) {
	op, ok := operations[name]
	if !ok {
		return http.StatusBadRequest, encode(errorBody("UnknownOperationException", name))
	}
	out, err := op(body)
	if err != nil {
		code := "SerializationException"
		if f, ok := err.(*fault); ok { //nolint:errorlint // operations return it bare
			code = f.code
		}
		return http.StatusBadRequest, encode(errorBody(code, err.Error()))
	}
	return http.StatusOK, encode(out)
}

func errorBody(code, message string) any {
	return map[string]string{"__type": code, "message": message}
}

func encode(body any) []byte {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // the bodies are made of maps and strings here
	}
	return text
}
