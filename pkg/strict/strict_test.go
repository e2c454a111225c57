package strict_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/strict"
)

func TestMembers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{}`: true, ` {"a":1,"a":2} `: true, `{"a":"\ud800"}`: true,
		``: false, `null`: false, `[]`: false, `7`: false, `{}{}`: false, `{"a"`: false, "{\"a\":\"\xff\"}": false,
	} {
		if all, err := strict.Members(text); (err == nil) != want || !want && (all != nil || !errors.Is(err, strict.ErrNoObject)) {
			t.Errorf("%q: %v, %v", text, all, err)
		}
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-11-21T12:00:00Z": "2026-11-21T12:00:00Z", "2026-11-21T12:00:00.5+03:00": "2026-11-21T09:00:00.5Z",
		"9999-12-31T23:59:59Z": "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z": "0000-01-01T00:00:00Z",
		"9999-12-31T23:59:59-01:00": "", "0000-01-01T00:00:00+01:00": "", "planted": "", "": "", "1800000000": "", "2026-11-21": "",
	} {
		at, err := strict.Time(text)
		if want == "" && (err == nil || !at.IsZero() || strings.Contains(err.Error(), "planted")) {
			t.Errorf("%q: %v, %v", text, at, err)
		}
		if want != "" && (err != nil || at.Format(time.RFC3339Nano) != want) {
			t.Errorf("%q: %v, %v, want %s", text, at, err, want)
		}
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	const text = `{"text":"a","none":null,"number":7,"damaged":"planted\ud800","at":"2026-11-21T12:00:00Z","late":"planted",` +
		`"flag":true,"off":null,"Text":"planted","more":"planted"}`
	all, err := strict.Members(text)
	assert.NilError(t, err)
	o := strict.Object{Members: all, Mistake: func(name, what string) error { return fmt.Errorf("%s %s", name, what) }}
	var flag, off bool
	got := []any{
		o.Text("text"), o.Text("none"), o.Text("absent"), o.Text("number"), o.Text("damaged") != "",
		o.Time("at"), o.Time("late"), o.Time("absent"), o.Take("flag", &flag, "a flag"), o.Take("off", &off, "a flag"), flag,
	}
	o.Refuse("is unknown")
	want := []any{
		"a", "", "", "", true, time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), time.Time{}, time.Time{}, true, false, true,
	}
	assert.Check(t, is.DeepEqual(got, want), "values")
	var mistakes []string
	for _, err := range o.Mistakes {
		mistakes = append(mistakes, err.Error())
	}
	assert.Check(t, is.DeepEqual(mistakes, []string{
		"number must be a string", "damaged is damaged: it is not valid Unicode", "late must be an RFC 3339 time", "off must be a flag",
		"Text is unknown", "more is unknown",
	}), "mistakes")
}
