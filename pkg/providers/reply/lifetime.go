package reply

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"time"
)

// A lifetime of 10^9 seconds or more is no lifetime but a point in time, and on
// whose clock nobody knows.
const notALifetime = 1e9

// Lifetime is what a field says in seconds.
type Lifetime int

// What a field can say.
const (
	Usable  Lifetime = iota // a positive number of seconds
	Missing                 // absent or null
	Broken                  // zero, negative, not a number, or beyond all reason
)

// Seconds reads a lifetime: a number, whole or not, or a string around one. The
// duration is positive where Usable and 0 otherwise.
func (o Object) Seconds(name string) (time.Duration, Lifetime) {
	raw, ok := o[name]
	if !ok || string(raw) == "null" {
		return 0, Missing
	}
	seconds, err := strconv.ParseFloat(number(raw), 64)
	if err != nil {
		return 0, Broken
	}
	d := fromSeconds(seconds)
	if d == 0 {
		return 0, Broken
	}
	return d, Usable
}

// jwtLifetime is exp less iat of a JWT, 0 where token is none or lacks either. Both
// are on the provider's clock, and only their difference says something on ours.
// Hesabe writes them as floats.
func jwtLifetime(token string) time.Duration {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return 0
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return 0
	}
	claims, err := Parse(string(text))
	if err != nil {
		return 0
	}
	exp, expErr := strconv.ParseFloat(number(claims["exp"]), 64)
	iat, iatErr := strconv.ParseFloat(number(claims["iat"]), 64)
	if expErr != nil || iatErr != nil {
		return 0
	}
	return fromSeconds(exp - iat)
}

// fromSeconds converts a lifetime; 0 for what is none, NaN and infinities included.
func fromSeconds(seconds float64) time.Duration {
	if !(seconds > 0 && seconds < notALifetime) {
		return 0
	}
	return time.Duration(math.Round(seconds * float64(time.Second)))
}
