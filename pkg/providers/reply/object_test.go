package reply_test

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers/reply"
)

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"empty":            "",
		"null":             "null",
		"array":            `[{"access_token":"x"}]`,
		"string":           `"x"`,
		"number":           "1",
		"page":             "<html></html>",
		"cut":              `{"access_token":"x"`,
		"trailing garbage": `{"access_token":"x"}x`,
		"two documents":    `{"access_token":"x"}{}`,
		"bad UTF-8":        "{\"access_token\":\"\xff\"}",
		// encoding/json would turn these into U+FFFD.
		"bad UTF-8 in another field": "{\"access_token\":\"x\",\"name\":\"\xc3\x28\"}",
		"bad UTF-8 after the end":    "{\"access_token\":\"x\"}\xff",
		"bare NaN":                   `{"expires_in":NaN}`,
		"comment":                    `{} // x`,
	}
	for name, text := range cases {
		o, err := reply.Parse(text)
		assert.Check(t, err != nil, "%s: Parse made %v", name, o)
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	o, err := reply.Parse("\ufeff" + ` {
		"text":"x","Text":"other case","blank":" \t","empty":"","null":null,"number":5,"yes":true,"no":false,
		"twice":"first","twice":"last","object":{"in":"side"},"list":[],"full":[0],"none":{},"zero":0,
		"surrogate":"abc\ud800","replaced":"abc\ufffd","escaped":"a\u0026b"} `)
	assert.NilError(t, err)
	texts := map[string]string{
		"text": "x", "Text": "other case", "TEXT": "", "blank": "", "empty": "", "null": "", "number": "", "yes": "",
		"twice": "last", "object": "", "list": "", "absent": "", "surrogate": "", "replaced": "", "escaped": "a&b",
	}
	for name, want := range texts {
		got := o.Text(name)
		assert.Check(t, got == want, "Text(%s) = %q, want %q", name, got, want)
	}
	says := map[string]bool{
		"text": true, "number": true, "yes": true, "object": true, "full": true,
		"blank": false, "empty": false, "null": false, "no": false, "list": false, "none": false, "zero": false, "absent": false,
	}
	for name, want := range says {
		got := o.Says(name)
		assert.Check(t, got == want, "Says(%s) = %v", name, got)
	}
	for _, name := range []string{"text", "null", "list", "number", "absent"} {
		inner, ok := o.Object(name)
		assert.Check(t, !ok && inner == nil, "Object(%s) = %v", name, inner)
	}
	inner, ok := o.Object("object")
	assert.Check(t, ok && inner.Text("in") == "side", "Object(object) = %v, %v", inner, ok)
	if !o.Is("yes", true) || o.Is("yes", false) || !o.Is("no", false) || o.Is("text", true) || o.Is("absent", false) {
		t.Error("Is is wrong about booleans")
	}
}

func TestSeconds(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		want time.Duration
		is   reply.Lifetime
	}{
		`900`:                 {900 * time.Second, reply.Usable},
		`899.5`:               {899500 * time.Millisecond, reply.Usable},
		`9e2`:                 {900 * time.Second, reply.Usable},
		`"900"`:               {900 * time.Second, reply.Usable},
		`" 900 "`:             {900 * time.Second, reply.Usable},
		`"36e3"`:              {10 * time.Hour, reply.Usable},
		`999999999`:           {999999999 * time.Second, reply.Usable},
		`null`:                {0, reply.Missing},
		`0`:                   {0, reply.Broken},
		`0.0000000001`:        {0, reply.Broken},
		`-1`:                  {0, reply.Broken},
		`"-900"`:              {0, reply.Broken},
		`"NaN"`:               {0, reply.Broken},
		`"Inf"`:               {0, reply.Broken},
		`"-Infinity"`:         {0, reply.Broken},
		`""`:                  {0, reply.Broken},
		`"soon"`:              {0, reply.Broken},
		`"900s"`:              {0, reply.Broken},
		`true`:                {0, reply.Broken},
		`{}`:                  {0, reply.Broken},
		`[900]`:               {0, reply.Broken},
		`1e400`:               {0, reply.Broken},
		`1000000000`:          {0, reply.Broken},
		`1760422323`:          {0, reply.Broken}, // a point in time
		`9223372036854775808`: {0, reply.Broken},
	}
	for value, tc := range cases {
		o, err := reply.Parse(`{"expires_in":` + value + `}`)
		assert.NilError(t, err)
		got, is := o.Seconds("expires_in")
		assert.Check(t, got == tc.want && is == tc.is, "%s: %s, %v; want %s, %v", value, got, is, tc.want, tc.is)
	}
	got, is := (reply.Object{}).Seconds("expires_in")
	assert.Check(t, got == 0 && is == reply.Missing, "absent: %s, %v", got, is)
}

func TestID(t *testing.T) {
	t.Parallel()
	cases := map[string]int64{
		`1234567890123`: 1234567890123, `"1234567890123"`: 1234567890123, `9223372036854775807`: 1<<63 - 1,
		`1.234567890123e12`: 1234567890123, `7.0`: 7, `1.5`: 0, `-7`: 0, `-7.0`: 0, `9223372036854775808`: 0, `1e300`: 0,
		`"x"`: 0, `null`: 0, `true`: 0, `{}`: 0, `""`: 0, `"NaN"`: 0,
	}
	for value, want := range cases {
		o, err := reply.Parse(`{"id":` + value + `}`)
		assert.NilError(t, err)
		got := o.ID("id")
		assert.Check(t, got == want, "ID of %s = %d, want %d", value, got, want)
	}
}

func TestIsHTML(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"<html>": true, " \r\n<!DOCTYPE html>": true, "": false, "{}": false, "502 <b>": false} {
		got := reply.IsHTML(text)
		assert.Check(t, got == want, "IsHTML(%q) = %v", text, got)
	}
}
