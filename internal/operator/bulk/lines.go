// Package bulk stores texts of many lines, a line a record: in constant memory, and resumable.
package bulk

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

// longest is how long a line may be.
const longest = 64 << 10

// Lines reads a text line by line and knows what it has read.
type Lines struct {
	from   *bufio.Reader
	sum    hash.Hash
	number int   // of the line read last, from 1
	offset int64 // of what follows it
}

func newLines(from io.Reader) *Lines {
	return &Lines{from: bufio.NewReaderSize(from, longest), sum: sha256.New()}
}

// errLong is Next's error for a line that is too long. The next line can be read.
var errLong = fmt.Errorf("the line is longer than %d KiB", longest>>10)

// Next returns the next line without its end, valid until the next call; io.EOF after
// the last.
func (l *Lines) Next() ([]byte, error) {
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

func (l *Lines) read() ([]byte, error) {
	part, err := l.from.ReadSlice('\n')
	l.offset += int64(len(part))
	_, _ = l.sum.Write(part) // never fails
	return part, err
}

// fingerprint identifies the text that was read so far.
func (l *Lines) fingerprint() string { return hex.EncodeToString(l.sum.Sum(nil)) }
