// Package strict reads the members of JSON objects. It refuses what decoding into a struct would
// accept: damaged text, keys in another case, times that could not be written again. It collects
// all mistakes, and none of them shows a value.
package strict

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// ErrNoObject means that a text is not one JSON object in valid UTF-8.
var ErrNoObject = errors.New("the text is not a JSON object")

// Members is the whole text as one object. Of duplicate keys the last one counts.
func Members(text string) (map[string]json.RawMessage, error) {
	var all map[string]json.RawMessage
	// encoding/json would turn bad bytes into U+FFFD without an error.
	if !utf8.ValidString(text) || json.Unmarshal([]byte(text), &all) != nil || all == nil {
		return nil, ErrNoObject
	}
	return all, nil
}

// Damaged reports whether a decoded text has lost something: encoding/json turns bad bytes and
// unpaired surrogates into U+FFFD, which no token has.
func Damaged(text string) bool { return strings.ContainsRune(text, utf8.RuneError) }

var errTime = errors.New("not a time of RFC 3339")

// Time reads a time of RFC 3339, as UTC. It refuses one that is Unwritable, and its error does
// not show the text.
func Time(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || Unwritable(at) {
		return time.Time{}, errTime
	}
	return at.UTC(), nil
}

// Unwritable reports whether RFC 3339 cannot write a time in UTC: its year may differ from that in
// the text that was read. A row with such a time could never be written again.
func Unwritable(at time.Time) bool { return at.UTC().Year() < 0 || at.UTC().Year() > 9999 }

// Object holds the members that are not read yet.
type Object struct {
	Members map[string]json.RawMessage
	// Mistake makes the error about a member.
	Mistake func(name, what string) error
	// Mistakes are the mistakes so far.
	Mistakes []error
}

// Wrong adds a mistake.
func (o *Object) Wrong(name, what string) { o.Mistakes = append(o.Mistakes, o.Mistake(name, what)) }

// Take decodes a member into to, and removes it. It returns false if the member is missing, or
// is not what it must be.
func (o *Object) Take(name string, to any, what string) bool {
	raw, ok := o.Members[name]
	delete(o.Members, name)
	if !ok {
		return false
	}
	if string(raw) == "null" || json.Unmarshal(raw, to) != nil {
		o.Wrong(name, "must be "+what)
		return false
	}
	return true
}

// Text reads an undamaged string, and removes it. A missing one is empty, and so is null.
func (o *Object) Text(name string) string {
	if string(o.Members[name]) == "null" {
		delete(o.Members, name)
	}
	var text string
	if o.Take(name, &text, "a string") && Damaged(text) {
		o.Wrong(name, "is damaged: it is not valid Unicode")
	}
	return text
}

// Time reads a time of RFC 3339. A missing or empty one is zero.
func (o *Object) Time(name string) time.Time {
	text := o.Text(name)
	if text == "" {
		return time.Time{}
	}
	at, err := Time(text)
	if err != nil {
		o.Wrong(name, "must be an RFC 3339 time")
	}
	return at
}

// Refuse adds a mistake for each member that was not read.
func (o *Object) Refuse(what string) {
	for _, name := range slices.Sorted(maps.Keys(o.Members)) {
		o.Wrong(name, what)
	}
}
