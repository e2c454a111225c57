package embedded

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
)

// members are parts of a JSON object, by name.
type members map[string]json.RawMessage

// unknownMembers returns the members of an object that a T has no field for: another
// release wrote them, and they must survive this one.
func unknownMembers[T any](object []byte) (members, error) {
	var all members
	if err := json.Unmarshal(object, &all); err != nil {
		return nil, err
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		delete(all, name)
	}
	return all, nil
}

// addTo returns an object with the members added.
func (m members) addTo(object []byte) ([]byte, error) {
	if len(m) == 0 {
		return object, nil
	}
	var all members
	if err := json.Unmarshal(object, &all); err != nil {
		return nil, err
	}
	maps.Copy(all, m)
	return json.Marshal(all)
}
