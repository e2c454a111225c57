package records

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tokenrefresh/internal/operator/bulk"
	"tokenrefresh/pkg/event"
)

// Format is the format of a file of records.
type Format string

// The formats.
const (
	JSONLines Format = "jsonl" // an object a line, as in an event's list "record"
	CSV       Format = "csv"   // the same names as a header, commas, a record a line
)

// FormatOf guesses by a file's name.
func FormatOf(path string) (Format, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv":
		return CSV, nil
	case ".jsonl", ".ndjson", ".json":
		return JSONLines, nil
	}
	return "", fmt.Errorf("the name %s does not tell its format: give --format %s or %s", path, JSONLines, CSV)
}

// decoder returns the decoder of a text's lines, after its header if it has one.
func (f Format) decoder(from *bulk.Lines) (bulk.Decoder[event.Record], error) {
	switch f {
	case JSONLines:
		return event.DecodeRecord, nil
	case CSV:
		header, err := from.Next()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("line 1: the header is missing, such as transaction_id,refresh_token")
		}
		if err != nil {
			return nil, err
		}
		names, err := columns(header)
		if err != nil {
			return nil, fmt.Errorf("line 1: %w", err)
		}
		return func(line []byte) (event.Record, error) { return decodeCells(names, line) }, nil
	}
	return nil, fmt.Errorf("there is no format %q: use %s or %s", f, JSONLines, CSV)
}

// known are the columns of a file, as an event names them.
var known = []string{"transaction_id", "refresh_token", "customer_uid", "account", "status", "recorded_at", "ttl"}

// numbers are those that are numbers in JSON.
var numbers = []string{"transaction_id", "ttl"}

// columns reads the header. One with a number is a record, whose values are not shown.
func columns(header []byte) ([]string, error) {
	names, err := cells(header)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
		if _, err := strconv.ParseFloat(names[i], 64); err == nil {
			return nil, errors.New("it is a record, and no header such as transaction_id,refresh_token")
		}
	}
	for i, name := range names {
		if !slices.Contains(known, names[i]) {
			return nil, fmt.Errorf("column %d of the header%s is none of %s", i+1, likeName(name), strings.Join(known, ", "))
		}
		if slices.Contains(names[:i], names[i]) {
			return nil, fmt.Errorf("the header has %q twice", names[i])
		}
	}
	if !slices.Contains(names, "transaction_id") {
		return nil, errors.New(`the header lacks "transaction_id"`)
	}
	return names, nil
}

// likeName is a column's name for people, if it looks like a name: a token must not be shown.
func likeName(name string) string {
	if !nameLike.MatchString(name) {
		return ""
	}
	return fmt.Sprintf(", %q,", name)
}

var nameLike = regexp.MustCompile(`^[A-Za-z][A-Za-z _-]{0,31}$`)

// decodeCells reads a line of cells by the rules of an event. An empty cell is a missing field.
func decodeCells(names []string, line []byte) (event.Record, error) {
	values, err := cells(line)
	if err != nil {
		return event.Record{}, err
	}
	if len(values) != len(names) {
		return event.Record{}, fmt.Errorf("record: has %d cells, the header %d", len(values), len(names))
	}
	all := map[string]any{}
	for i, value := range values {
		switch {
		case value == "":
		case slices.Contains(numbers, names[i]) && json.Valid([]byte(strings.TrimSpace(value))):
			all[names[i]] = json.RawMessage(strings.TrimSpace(value))
		default:
			all[names[i]] = value
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return event.Record{}, errors.New("record: cannot be read")
	}
	return event.DecodeRecord(text)
}

// cells splits one line. Line breaks within quotes are refused: no field has any, and an unclosed
// quote would swallow the rest of the file.
func cells(line []byte) ([]string, error) {
	values, err := csv.NewReader(bytes.NewReader(line)).Read()
	if err != nil {
		return nil, errors.New(`record: is no line of CSV: check its quotes (")`)
	}
	return values, nil
}
