// Package reply reads providers' replies. Oddities around tokens, such as the form of the text,
// their place, or other fields, must not cost the tokens. A token itself is taken undamaged or not
// at all.
package reply

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"tokenrefresh/pkg/strict"
)

// ErrUnreadable means that a text is not one JSON object in valid UTF-8. It shows nothing of the
// text.
var ErrUnreadable = errors.New("not a JSON object")

// Object is a JSON object. Keys match in their exact case, unlike when decoding into a struct; of
// duplicate keys the last one counts.
type Object map[string]json.RawMessage

// Parse reads the whole text as one object.
func Parse(text string) (Object, error) {
	o, err := strict.Members(strings.TrimPrefix(text, "\ufeff"))
	if err != nil {
		return nil, ErrUnreadable
	}
	return o, nil
}

// Text is the string of that name, or "" if it is absent, blank, of another type, or damaged: an
// unpaired surrogate escape decodes to U+FFFD.
func (o Object) Text(name string) string {
	text, ok := quoted(o[name])
	if !ok || strings.TrimSpace(text) == "" || strict.Damaged(text) {
		return ""
	}
	return text
}

// Object is the object of that name; false if there is none.
func (o Object) Object(name string) (Object, bool) {
	inner, err := Parse(string(o[name]))
	return inner, err == nil
}

// Is reports whether the value of that name is the boolean want, as a boolean, as a text or as 1 or
// 0.
func (o Object) Is(name string, want bool) bool {
	text, isText := quoted(o[name])
	if !isText {
		text = string(o[name])
	}
	is, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(text)))
	return err == nil && is == want
}

// Says reports whether there is a value of that name and it is not null, false, 0, blank, {} or [].
func (o Object) Says(name string) bool {
	text, isText := quoted(o[name])
	if isText {
		return strings.TrimSpace(text) != ""
	}
	return !slices.Contains([]string{"", "null", "false", "0", "{}", "[]"}, strings.Join(strings.Fields(string(o[name])), ""))
}

// ID is the positive integer of that name, a number or a numeric string; 0 if there is none.
func (o Object) ID(name string) int64 {
	text := number(o[name])
	if id, err := strconv.ParseInt(text, 10, 64); err == nil {
		return max(id, 0)
	}
	// 1.2e12 is an integer too; beyond 2^53 a float64 isn't exact.
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || f < 0 || f > 1<<53 {
		return 0
	}
	return int64(f)
}

// IsHTML reports whether text looks like a page: the answer of a proxy or of a wrong server.
func IsHTML(text string) bool { return strings.HasPrefix(strings.TrimSpace(text), "<") }

// quoted decodes a JSON string.
func quoted(raw json.RawMessage) (string, bool) {
	var text *string
	if json.Unmarshal(raw, &text) != nil || text == nil {
		return "", false
	}
	return *text, true
}

// number is the text of a JSON number or of a string around one; "" for anything
// else.
func number(raw json.RawMessage) string {
	if text, ok := quoted(raw); ok {
		return strings.TrimSpace(text)
	}
	var n json.Number
	if json.Unmarshal(raw, &n) != nil {
		return ""
	}
	return n.String()
}
