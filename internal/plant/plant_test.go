package plant_test

import (
	"errors"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/secret"
)

func TestValues(t *testing.T) {
	t.Parallel()
	const m = plant.Marker
	for text, want := range map[string]string{
		``:                          m,
		`<html>`:                    `<html>` + m,
		`{"a":1} {}`:                `{"a":1} {}` + m,
		`"x"`:                       `"x` + m + `"`,
		`{"a":"x","b":[1e400,"y"]}`: `{"a":"x` + m + `","b":[1e400,"y` + m + `"]}`,
		`{"body":"{\"a\":\"x\"}"}`:  `{"body":"{\"a\":\"x` + m + `\"}"}`,
	} {
		assert.Check(t, is.Equal(plant.Values(text), want), "of %s", text)
	}
}

func TestShown(t *testing.T) {
	t.Parallel()
	assert.Check(t, !plant.Shown(nil, errors.New("x"), secret.New(plant.Marker), []string{"y"}),
		"shown where it is not")
	type holder struct{ hidden []string }
	for _, value := range []any{errors.New("a " + plant.Marker), []string{plant.Marker}, &holder{[]string{plant.Marker}}} {
		assert.Check(t, plant.Shown("x", value), "not seen in %+v", value)
	}
}
