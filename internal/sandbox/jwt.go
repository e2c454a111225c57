package sandbox

import (
	"encoding/base64"
	"fmt"
	"time"
)

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
