package exchange_test

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers/exchange"
)

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 6, 8, 49, 37, 0, time.UTC)
	cases := map[string]time.Duration{
		"":                                0,
		"  ":                              0,
		"soon":                            0,
		"-5":                              0,
		"NaN":                             0,
		"5 s":                             0,
		"0":                               time.Second,
		"1":                               time.Second,
		" 120 ":                           2 * time.Minute,
		"1.2":                             2 * time.Second,
		"0.01":                            time.Second,
		"3600":                            time.Hour,
		"3601":                            time.Hour,
		"k6 says 86400":                   0,
		"86400":                           time.Hour,
		"9223372037":                      time.Hour, // beyond a time.Duration
		"99999999999999999999999999999":   time.Hour,
		"1e400":                           time.Hour,
		"Fri, 06 Nov 2026 08:50:37 GMT":   time.Minute,
		"Friday, 06-Nov-26 08:50:37 GMT":  time.Minute,
		"Fri Nov  6 08:50:37 2026":        time.Minute,
		"Fri, 06 Nov 2026 08:49:37 GMT":   time.Second,
		"Sun, 06 Nov 1994 08:49:37 GMT":   time.Second, // past
		"Thu, 31 Dec 9999 23:59:59 GMT":   time.Hour,
		"Fri, 99 Nov 2026 08:50:37 GMT":   0,
		"2026-11-06T08:50:37Z":            0,
		"Fri, 06 Nov 2026 08:50:37 +0100": 0,
	}
	for value, want := range cases {
		got := exchange.ParseRetryAfter(value, now)
		assert.Check(t, got == want, "ParseRetryAfter(%q) = %s, want %s", value, got, want)
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, value := range []string{"", "0", "120", "1e9", "-1", "NaN", "Fri, 06 Nov 2026 08:50:37 GMT", "Inf"} {
		f.Add(value, int64(1_792_000_000))
	}
	f.Fuzz(func(t *testing.T, value string, now int64) {
		got := exchange.ParseRetryAfter(value, time.Unix(now, 0))
		if got != 0 && (got < time.Second || got > time.Hour) {
			t.Errorf("ParseRetryAfter(%q) = %s", value, got)
		}
	})
}
