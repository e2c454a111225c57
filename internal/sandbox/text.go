package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

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

// jwt is a token of these claims, both in JSON. Its signature is a random text of the usual
// length: nobody has a key to check one with.
func jwt(header, claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode([]byte(claims)) + "." + encode([]byte(random(64)))
}

// floatTime is a JWT time as Hesabe writes it: seconds with six decimals.
func floatTime(t time.Time) string {
	return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000)
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
