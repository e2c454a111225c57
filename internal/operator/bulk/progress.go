package bulk

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// progress is how far a file has come. It is stored beside the file, holds none of its secrets, and
// is removed when all is recorded.
type progress struct {
	Target string `json:"target"` // where the records go
	// Began is when the file arrived: the time of records that name none, in each of its
	// runs, or a second run would overtake what was recorded since the first.
	Began       time.Time `json:"began"`
	Offset      int64     `json:"offset"`      // of the remaining text
	Line        int       `json:"line"`        // before it
	Fingerprint string    `json:"fingerprint"` // of what is done
	Refused     int       `json:"refused"`     // lines
	// Failed are the ids of records before Offset that could not be stored. All their lines are
	// stored again, in their order.
	Failed []string `json:"failed,omitempty"`
}

// sidecar is the file of progress; empty: there is none.
type sidecar string

// load returns how far the file has come; the zero value if it has not begun.
func (s sidecar) load() (p progress, err error) {
	text, err := os.ReadFile(string(s))
	if s == "" || errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err == nil && p.Began.IsZero() {
		err = errors.New("it does not say when the file arrived")
	}
	if err != nil {
		err = fmt.Errorf("%s cannot be read: give --restart to begin again: %w", s, err)
	}
	return p, err
}

// save replaces the file as a whole.
func (s sidecar) save(p progress) error {
	if s == "" {
		return nil
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	next := string(s) + ".new"
	err = os.WriteFile(next, text, 0o600)
	if err == nil {
		err = os.Rename(next, string(s))
	}
	if err != nil {
		err = fmt.Errorf("keep the progress: %w", err)
	}
	return err
}

func (s sidecar) remove() error {
	if s == "" {
		return nil
	}
	err := os.Remove(string(s))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// check reports whether file still begins with the part that is done, and leaves it at its start.
func (p progress) check(file io.ReadSeeker) error {
	sum := sha256.New()
	if _, err := io.CopyN(sum, file, p.Offset); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != p.Fingerprint {
		return fmt.Errorf("line %d of the file, or one before it, has changed since it was recorded: "+
			"give --restart to begin again", p.Line)
	}
	_, err := file.Seek(0, io.SeekStart)
	return err
}
