// Package credentials reads the JSON of credentials secrets and finds all of its
// mistakes at once. No error of it holds a value.
package credentials

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/secret"
)

// placeholder is the key by which the template marks a secret that nobody has
// filled in.
const placeholder = "placeholder"

// Fields are the fields of a credentials secret. They collect the mistakes of the fields that are
// read; Err returns them. Other keys are ignored.
type Fields struct {
	provider string
	object   reply.Object
	problems []error
}

// Read parses a credentials secret. Its error is providers.ErrNotSeeded or, if text is not a JSON
// object, a *providers.Error of kind Misconfigured.
func Read(provider string, text secret.String) (*Fields, error) {
	if text.Blank() {
		return nil, providers.ErrNotSeeded
	}
	f := &Fields{provider: provider}
	var err error
	if f.object, err = reply.Parse(text.Reveal()); err != nil {
		f.Wrong(true, "%w", err)
		return nil, f.Err()
	}
	if _, ok := f.object[placeholder]; ok || len(f.object) == 0 {
		return nil, providers.ErrNotSeeded
	}
	return f, nil
}

// Wrong adds a mistake if there is one.
func (f *Fields) Wrong(is bool, format string, args ...any) {
	if is {
		f.problems = append(f.problems, fmt.Errorf(format, args...))
	}
}

// Err is nil, or all mistakes as one *providers.Error of kind Misconfigured.
func (f *Fields) Err() error {
	if len(f.problems) == 0 {
		return nil
	}
	return &providers.Error{
		Kind: providers.Misconfigured, Provider: f.provider, Op: "open",
		Hint: "correct the credentials secret", Err: errors.Join(f.problems...),
	}
}

// Has reports whether the field is there and not null.
func (f *Fields) Has(name string) bool {
	raw, ok := f.object[name]
	return ok && string(raw) != "null"
}

// Text is a required text, without white space at its ends: pasted texts have line breaks, which
// fit into no header.
func (f *Fields) Text(name string) secret.String {
	text := strings.TrimSpace(f.object.Text(name))
	f.Wrong(!f.Has(name), "%s is missing", name)
	f.Wrong(f.Has(name) && text == "", "%s is not a text or is blank", name)
	f.Wrong(strings.ContainsFunc(text, unicode.IsControl), "%s holds a control character, such as a line break", name)
	return secret.New(text)
}

// Optional is a text that may be missing.
func (f *Fields) Optional(name string) secret.String {
	if !f.Has(name) {
		return secret.String{}
	}
	return f.Text(name)
}

// Group is texts that are given together or not at all; nil if not at all.
func (f *Fields) Group(names ...string) map[string]secret.String {
	if !slices.ContainsFunc(names, f.Has) {
		return nil
	}
	group := make(map[string]secret.String, len(names))
	for _, name := range names {
		group[name] = f.Text(name)
	}
	return group
}

// Extra is an optional object of further fields, without those in taken.
func (f *Fields) Extra(name string, taken ...string) map[string]json.RawMessage {
	if !f.Has(name) {
		return nil
	}
	extra, ok := f.object.Object(name)
	f.Wrong(!ok, "%s is not an object", name)
	for _, key := range slices.Sorted(maps.Keys(extra)) {
		f.Wrong(slices.Contains(taken, key), "%s must not set %s, which has a field of its own", name, key)
	}
	return extra
}

// Params is an optional object of further form fields, without those in taken; nil if there is
// none.
func (f *Fields) Params(name string, taken ...string) url.Values {
	extra := f.Extra(name, taken...)
	if extra == nil {
		return nil
	}
	params := url.Values{}
	for _, key := range slices.Sorted(maps.Keys(extra)) {
		text, raw := reply.Object(extra).Text(key), string(extra[key])
		if text == "" && (raw == "true" || raw == "false" || strings.Trim(raw, "-.0123456789") == "") {
			text = raw
		}
		f.Wrong(text == "", "%s: %s is not a text, a number or a boolean", name, shown(key))
		params.Set(key, text)
	}
	return params
}

// Flag is an optional boolean.
func (f *Fields) Flag(name string) bool {
	raw := string(f.object[name])
	f.Wrong(f.Has(name) && raw != "true" && raw != "false", "%s is neither true nor false", name)
	return raw == "true"
}

// Word is the text of that name as it is; empty if there is none.
func (f *Fields) Word(name string) string { return strings.TrimSpace(f.object.Text(name)) }

// Duration is a number of seconds within bounds, as a number or as a text; false if there is none.
func (f *Fields) Duration(name string, least, most time.Duration) (time.Duration, bool) {
	d, is := f.object.Seconds(name)
	if is != reply.Usable || d < least || d > most {
		return 0, false
	}
	return d, true
}

// Seconds is an optional Duration.
func (f *Fields) Seconds(name string, least, most time.Duration) time.Duration {
	d, ok := f.Duration(name, least, most)
	f.Wrong(!ok && f.Has(name), "%s is not a number of seconds from %.0f to %.0f", name, least.Seconds(), most.Seconds())
	return d
}

// Names is an optional list of texts, without those in banned.
func (f *Fields) Names(name string, banned ...string) []string {
	if !f.Has(name) {
		return nil
	}
	var names []string
	err := json.Unmarshal(f.object[name], &names)
	f.Wrong(err != nil || slices.Contains(names, ""), "%s is not a list of names", name)
	for _, banned := range banned {
		f.Wrong(slices.Contains(names, banned), "%s must not name %s", name, banned)
	}
	return names
}

// URL is a complete address; nil if it is missing, which is a mistake if it is required.
func (f *Fields) URL(name string, required bool) *url.URL {
	if !f.Has(name) && !required {
		return nil
	}
	text := f.Text(name).Reveal()
	if text == "" {
		return nil
	}
	address, err := ParseURL(text)
	f.Wrong(err != nil, "%s %w", name, err)
	return address
}

// maxShown is how much of a person's name for a field is shown.
const maxShown = 64

// shown is a name made safe to show: short, and without control characters.
func shown(name string) string {
	if len(name) > maxShown {
		name = strings.ToValidUTF8(name[:maxShown], "") + "…"
	}
	return strconv.Quote(name)
}

// BaseURL is the provider's address: base_url, else fallback. Without a fallback base_url is
// required.
func (f *Fields) BaseURL(fallback string) *url.URL {
	if fallback != "" && !f.Has("base_url") {
		base, _ := ParseURL(fallback) // a constant
		return base
	}
	base := f.URL("base_url", true)
	// Paths are joined to it.
	f.Wrong(base != nil && (base.RawQuery != "" || base.ForceQuery), "base_url must not have a query")
	return base
}
