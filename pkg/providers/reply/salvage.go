package reply

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// member matches a name in JSON, or in damaged JSON, up to its value.
var member = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`["']([A-Za-z][A-Za-z0-9_\-]{0,63})["'][ \t\r\n]*:[ \t\r\n]*`)
})

// salvage reads the members of JSON that is cut or damaged, each by itself and wherever it is. A
// value that is not whole, or that comes twice and differs, cannot be read. The result is nil if
// one of the two tokens is missing: it may have been lost with the rest.
func salvage(text string) Object {
	o := Object{}
	for _, at := range member().FindAllStringSubmatchIndex(text, -1) {
		if at[0] > 0 && text[at[0]-1] == '\\' { // within a text
			continue
		}
		name, value := text[at[2]:at[3]], wholeValue(text[at[1]:])
		if before, twice := o[name]; twice && string(before) != string(value) {
			value = unreadable
		}
		o[name] = value
	}
	if accessToken(o) == "" || refreshTokenOf(o) == "" {
		return nil
	}
	return o
}

// unreadable stands for an existing value that cannot be read.
var unreadable = json.RawMessage("{}")

// wholeValue is the value at the beginning of text, if it is a whole text, number or word.
func wholeValue(text string) json.RawMessage {
	if text == "" {
		return unreadable
	}
	var end int
	switch quote := text[0]; quote {
	case '"', '\'':
		for end = 1; end < len(text) && text[end] != quote; end++ {
			if text[end] == '\\' {
				end++
			}
		}
		if end >= len(text) {
			return unreadable
		}
		inner := text[1:end]
		if quote == '\'' {
			inner = strings.ReplaceAll(inner, `"`, `\"`)
		}
		text, end = `"`+inner+`"`, len(inner)+2
	default:
		if end = strings.IndexAny(text, ",}] \t\r\n"); end < 0 {
			return unreadable // a number may be cut
		}
	}
	if value := text[:end]; json.Valid([]byte(value)) {
		return json.RawMessage(value)
	}
	return unreadable
}

// asJSON is a reply in the format of a form as JSON: services may answer in the format of the
// request. It is any other text as it is, except for a mark of byte order.
func asJSON(text string) json.RawMessage {
	text = strings.TrimPrefix(text, "\ufeff")
	trimmed := strings.TrimSpace(text)
	form, err := url.ParseQuery(trimmed)
	if err != nil || !form.Has("access_token") && !form.Has("error") || strings.ContainsAny(trimmed, "<>{}\" \r\n\t") {
		return json.RawMessage(text)
	}
	fields := map[string]string{}
	for name := range form {
		fields[name] = form.Get(name)
	}
	all, _ := json.Marshal(fields) // of strings: never fails
	return all
}
