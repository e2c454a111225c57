package records

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// longest is how long a line may be: a record has some hundred bytes.
const longest = 64 << 10

// lines reads a text line by line and knows what it has read.
type lines struct {
	from   *bufio.Reader
	sum    hash.Hash
	number int   // of the line read last, from 1
	offset int64 // of what follows it
}

func newLines(from io.Reader) *lines {
	return &lines{from: bufio.NewReaderSize(from, longest), sum: sha256.New()}
}

// errLong is next's answer to a line that is too long. The one after it can be read.
var errLong = fmt.Errorf("record: is longer than %d KiB", longest>>10)

// next returns the next line without its end, valid until the next call; io.EOF after
// the last.
func (l *lines) next() ([]byte, error) {
	line, err := l.read()
	if len(line) == 0 && err != nil {
		return nil, err
	}
	l.number++
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = l.read()
		}
		if err == nil || errors.Is(err, io.EOF) {
			return nil, errLong
		}
	}
	if l.number == 1 {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return bytes.TrimSpace(line), nil
}

func (l *lines) read() ([]byte, error) {
	part, err := l.from.ReadSlice('\n')
	l.offset += int64(len(part))
	_, _ = l.sum.Write(part) // never fails
	return part, err
}

// fingerprint tells what was read so far from any other text.
func (l *lines) fingerprint() string { return hex.EncodeToString(l.sum.Sum(nil)) }
