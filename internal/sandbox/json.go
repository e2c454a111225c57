package sandbox

import "encoding/json"

// stringFields returns the string fields of a JSON object; false where body is none.
func stringFields(body []byte) (map[string]string, bool) {
	var object map[string]any
	if err := json.Unmarshal(body, &object); err != nil || object == nil {
		return nil, false
	}
	fields := map[string]string{}
	for name, value := range object {
		if text, ok := value.(string); ok {
			fields[name] = text
		}
	}
	return fields, true
}

// quote is text as JSON.
func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string
	}
	return string(quoted)
}
