// Package strict reads the members of JSON objects. It refuses what a struct would let pass:
// damaged text, keys in another case, times that could not be written again. It collects all
// mistakes, and none of them shows a value.
package strict

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// ErrNoObject is a text that is not one JSON object in valid UTF-8.
var ErrNoObject = errors.New("the text is not a JSON object")

// Members is the whole text as one object. Of duplicate keys the last one counts.
func Members(text string) (map[string]json.RawMessage, error) {
	var all map[string]json.RawMessage
	// encoding/json would turn bad bytes into U+FFFD and say nothing.
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

// Unwritable reports whether RFC 3339 cannot write a time in UTC, where its year may be another
// than in the text that it was read from. A row with such a time could never be written again.
func Unwritable(at time.Time) bool { return at.UTC().Year() < 0 || at.UTC().Year() > 9999 }

// Object is the members that are still to be read.
type Object struct {
	Members map[string]json.RawMessage
	// Mistake makes the error about a member.
	Mistake func(name, what string) error
	// Mistakes are those so far.
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

// Text is an undamaged string, and removes it. A missing one is empty, as is null.
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

// Time is a time of RFC 3339. One that is missing or empty is zero.
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

// Refuse makes mistakes of the members that nobody has read.
func (o *Object) Refuse(what string) {
	names := make([]string, 0, len(o.Members))
	for name := range o.Members {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		o.Wrong(name, what)
	}
}
