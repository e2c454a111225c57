package embedded

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
)

// names are the members of T's JSON object that this release reads and writes.
func names[T any]() map[string]bool {
	all := map[string]bool{}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		all[name] = true
	}
	return all
}

var rowNames, transactionNames = names[storedRow](), names[storedTransaction]()

// withUnknown adds to a written object the unknown members of the stored one: a later release wrote
// them, before it was rolled back or while it is deployed.
func withUnknown(stored, written []byte, known map[string]bool) ([]byte, error) {
	var before, after map[string]json.RawMessage
	if readable := json.Unmarshal(stored, &before) == nil; !readable { // there was none
		return written, nil
	}
	maps.DeleteFunc(before, func(name string, _ json.RawMessage) bool { return known[name] })
	if len(before) == 0 {
		return written, nil
	}
	if err := json.Unmarshal(written, &after); err != nil {
		return nil, err
	}
	maps.Copy(after, before)
	return json.Marshal(after)
}
