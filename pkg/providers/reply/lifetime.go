package reply

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const (
	// maxLifetime limits the believed life of an access token: a wrong number must not prevent its
	// refresh for years.
	maxLifetime = 30 * 24 * time.Hour
	// jwtSlack is how much shorter than expires_in a JWT may live without a warning: Hesabe's lives
	// shorter by the time that it takes to make.
	jwtSlack = 5 * time.Second
	// A lifetime of 10^9 seconds or more is a point in time.
	notALifetime = 1e9
	// A number beyond the longest life counts as milliseconds if those are whole seconds, at least
	// this many, and not whole days.
	minPlausible = time.Minute
	day          = 24 * time.Hour
)

// Lifetime is how usable a field's number of seconds is.
type Lifetime int

// The kinds of numbers.
const (
	Usable  Lifetime = iota // a positive number of seconds
	Missing                 // absent or null
	Broken                  // zero, negative, not a number, or absurd
)

// Seconds reads a lifetime: a number, whole or not, or a string around one. The duration is
// positive if Usable and 0 otherwise.
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

// lifetime is how long the access token beside expires_in lives, at most as long as the rules
// allow, and what is odd about it. now is the time by the provider's clock, or ours.
func (o Object) lifetime(token string, now time.Time, rules Rules) (lifetime time.Duration, odd []string) {
	warn := func(format string, args ...any) { odd = append(odd, fmt.Sprintf(format, args...)) }
	longest := cmp.Or(rules.Longest, maxLifetime)
	itself := jwtLifetime(token, now)
	lifetime, is := o.Seconds("expires_in")
	if is == Broken {
		if until := o.until(now); until > 0 {
			lifetime, is = until, Usable
			warn("expires_in is a point in time: it counts from now")
		}
	}
	switch {
	case is == Missing && itself > 0 && rules.Known:
		lifetime = itself
	case is != Usable && itself > 0:
		lifetime = itself
		warn("expires_in is missing or no number of seconds: the access token's own claims count")
	case is == Missing && rules.Known:
		lifetime = rules.Lifetime
	case is == Missing && rules.Lifetime > 0:
		lifetime = rules.Lifetime
		warn("expires_in is missing: %s is assumed", lifetime)
	case is == Broken && (rules.Never || rules.Lifetime > 0 && !o.over(now)):
		lifetime = rules.Lifetime
		warn("expires_in is no number of seconds: %s is assumed", lifetime)
	case is != Usable:
		warn("expires_in is missing or no number of seconds: the access token counts as expired")
	}
	if lifetime > longest {
		thousandth := lifetime / 1000
		if lifetime%day != 0 && thousandth%time.Second == 0 && thousandth >= minPlausible && thousandth <= longest {
			lifetime = thousandth
			warn("expires_in is beyond %s: it counts as milliseconds", days(longest))
		} else {
			lifetime = longest
			warn("the access token's life is beyond %s: %[1]s are assumed", days(longest))
		}
	}
	if itself > 0 && itself < lifetime {
		if lifetime-itself > jwtSlack {
			warn("expires_in is %s longer than the access token's own claims: the shorter counts",
				(lifetime - itself).Round(time.Second))
		}
		lifetime = itself
	}
	return lifetime, odd
}

// days formats a duration, whole days as days.
func days(d time.Duration) string {
	if d > day && d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}

// until is the time from now to expires_in, if that is a point in time in seconds or milliseconds;
// 0 otherwise.
func (o Object) until(now time.Time) time.Duration {
	at, _ := strconv.ParseFloat(number(o["expires_in"]), 64) // 0 is past
	for _, seconds := range []float64{at, at / 1000} {
		if d := fromSeconds(seconds - float64(now.Unix())); d > 0 && d <= maxLifetime {
			return d
		}
	}
	return 0
}

// over reports whether expires_in says that the token has ended: it is zero, negative, or a
// point in time in the past.
func (o Object) over(now time.Time) bool {
	at, err := strconv.ParseFloat(number(o["expires_in"]), 64)
	past := func(seconds float64) bool { return seconds >= notALifetime && seconds <= float64(now.Unix()) }
	return err == nil && (at <= 0 || past(at) || past(at/1000))
}

// jwtLifetime is exp less iat of a JWT, or exp less now if it has no iat; 0 if token is not a JWT
// or has neither. exp and iat are on the provider's clock, so only their difference is reliable on
// ours. Hesabe writes them as floats.
func jwtLifetime(token string, now time.Time) time.Duration {
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
	exp, err := strconv.ParseFloat(number(claims["exp"]), 64)
	if err != nil {
		return 0
	}
	iat, err := strconv.ParseFloat(number(claims["iat"]), 64)
	if err != nil {
		iat = float64(now.Unix())
	}
	return fromSeconds(exp - iat)
}

// fromSeconds converts a lifetime; 0 for anything else, NaN and infinities included.
func fromSeconds(seconds float64) time.Duration {
	if !(seconds > 0 && seconds < notALifetime) {
		return 0
	}
	return time.Duration(math.Round(seconds * float64(time.Second)))
}
