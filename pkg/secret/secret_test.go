package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/secret"
)

const planted = "planted-secret"

type exported struct{ Token secret.String }

type unexported struct{ token secret.String }

func TestNoFormatShowsTheText(t *testing.T) {
	t.Parallel()
	s := secret.New(planted)
	values := []any{
		s, &s,
		[]secret.String{s},
		map[string]secret.String{"k": s},
		map[secret.String]int{s: 1},
		exported{s},
		&exported{s},
		unexported{s},
		&unexported{s},
		[]unexported{{s}},
		struct{ any }{s},
		error(failure{s}),
	}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
			text := fmt.Sprintf(verb, v)
			if strings.Contains(text, planted) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", planted)) {
				t.Errorf("%s of %T shows it: %s", verb, v, text)
			}
		}
		if text, err := json.Marshal(v); err == nil && strings.Contains(string(text), planted) {
			t.Errorf("JSON of %T shows it: %s", v, text)
		}
		var out bytes.Buffer
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		assert.Check(t, !strings.Contains(out.String(), planted), "a log line with %T shows it: %s", v, out.String())
	}
}

type failure struct{ token secret.String }

func (failure) Error() string { return "failed" }

func TestString(t *testing.T) {
	t.Parallel()
	s := secret.New(planted)
	assert.Check(t, s.Reveal() == planted && !s.IsZero() && !s.Blank(), "the text is not there")
	assert.Check(t, s == secret.New("planted-"+"secret") && s != secret.New("other"),
		"equality is not that of the texts")
	var zero secret.String
	if !zero.IsZero() || !zero.Blank() || zero.Reveal() != "" || zero != secret.New("") || fmt.Sprint(zero) != "" {
		t.Error("the zero value is not the empty secret")
	}
	if blank := secret.New(" \n"); !blank.Blank() || blank.IsZero() {
		t.Error("white space is blank and not empty")
	}
	const sum = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae" // of "foo"
	if got := secret.New("foo").Fingerprint(); got != sum {
		t.Errorf("fingerprint %s", got)
	}
}
