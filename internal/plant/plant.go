// Package plant puts a marker behind the values of a text, so that a test can tell
// whether an error or a warning shows any of them.
package plant

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Marker is the mark.
const Marker = "planted-marker"

// Values returns text with Marker behind each string value of its JSON, and behind
// those of JSON that lies in a string. What is no JSON gets it at its end.
func Values(text string) string {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber() // numbers stay as they are
	var value any
	if decoder.Decode(&value) != nil || decoder.More() {
		return text + Marker
	}
	marked, err := json.Marshal(mark(value))
	if err != nil {
		return text + Marker
	}
	return string(marked)
}

// mark marks the strings in a decoded value.
func mark(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = mark(inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = mark(inner)
		}
	case string:
		if strings.HasPrefix(strings.TrimSpace(v), "{") {
			return Values(v)
		}
		return v + Marker
	}
	return value
}

// Shown reports whether printing any of values shows Marker.
func Shown(values ...any) bool {
	for _, value := range values {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", value, value, value), Marker) {
			return true
		}
	}
	return false
}
