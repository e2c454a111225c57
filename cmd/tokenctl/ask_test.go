package main

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/terminal/terminaltest"
	"tokenrefresh/pkg/store"
)

// dialogue is what the test types once a question is shown.
type dialogue struct{ question, keys string }

// converse runs the command on the home at a terminal, and checks that no secret is shown.
func (w *world) converse(t *testing.T, lines []dialogue, args ...string) (code int, shown string) {
	t.Helper()
	s := terminaltest.Open(t)
	ended := make(chan int)
	go func() { ended <- execute(t.Context(), append(args, w.flags...), s.TTY, s.TTY, s.TTY) }()
	for _, line := range lines {
		s.Awaits(t, line.question)
		s.Types(t, line.keys)
	}
	code = <-ended
	shown = s.Shows()
	assert.Check(t, !strings.Contains(shown, planted), "a secret is shown:\n%s", shown)
	return code, shown
}

// A person who pastes the README's JSON, or answers each question, sees no secret.
func TestSeedAsks(t *testing.T) {
	t.Parallel()
	const (
		first = "paste the JSON, or press Enter"
		json  = `{"username":"u","password":"` + planted + `"}`
	)
	for name, tt := range map[string]struct {
		lines []dialogue
		args  []string
		code  int
		want  string // credentials
	}{
		"pasted":           {[]dialogue{{first, json + "\r"}}, nil, exitDone, json},
		"pasted in lines":  {[]dialogue{{first, "{\"username\":\"u\",\r\n\"password\":\r\"" + planted + "\"}\r"}}, nil, exitDone, "{\"username\":\"u\",\n\"password\":\n\"" + planted + "\"}"},
		"pasted by halves": {[]dialogue{{first, "{\"username\":\"u\",\r\r"}}, nil, exitFailed, ""},
		"not JSON":         {[]dialogue{{first, planted + "\r"}}, nil, exitFailed, ""},
		"field by field": {
			[]dialogue{{first, "\r"}, {"username (Enter: no login, only a refresh token): ", "u\n"}, {"password (not shown): ", planted + "\r"}, {"base_url (optional): ", "\n"}},
			nil, exitDone, `{"password":"` + planted + `","username":"u"}`,
		},
		"without a login": {
			[]dialogue{{first, "\r"}, {"username (Enter: no login", "\n"}, {"base_url (optional): ", "https://h.example\n"}},
			nil, exitDone, `{"base_url":"https://h.example"}`,
		},
		"interrupted": {[]dialogue{{first, planted + "\x03"}}, nil, exitStopped, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := embeddedWorld(t)
			code, shown := w.converse(t, tt.lines, "seed", "credentials", "--provider", "hesabe")
			assert.Check(t, code == tt.code, "it ends with %d:\n%s", code, shown)
			if tt.want == "" {
				w.gone(t, store.Key{Provider: "hesabe", Account: "default"})
			} else if got := w.current(t, "hesabe", "default", store.Credentials); got != tt.want {
				t.Errorf("%s", got)
			}
		})
	}
}

// A refresh token may be pasted bare or as JSON.
func TestSeedTokensAsks(t *testing.T) {
	t.Parallel()
	for _, keys := range []string{planted + "\r", "{\r\"refresh_token\":\"" + planted + "\"\r}\r"} {
		w := embeddedWorld(t)
		code, shown := w.converse(t, []dialogue{{"refresh_token (not shown): ", keys}}, "seed", "tokens", "--provider", "hesabe")
		assert.Check(t, code == exitDone, "it ends with %d:\n%s", code, shown)
		got := w.current(t, "hesabe", "default", store.TokensDoc)
		assert.Check(t, strings.Contains(got, planted), "tokens %s", got)
	}
}

// Nothing is removed before a person says yes.
func TestRemoveAsks(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	key := store.Key{Provider: "hesabe", Account: "shop-2"}
	for answer, code := range map[string]int{"\n": exitNothing, "no\n": exitNothing, "Y\n": exitDone} {
		w.write(t, store.Row{Key: key, Phase: store.Idle})
		got, shown := w.converse(t, []dialogue{{"Remove it? [y/N]: ", answer}}, "remove", "--provider", "hesabe", "--account", "shop-2")
		_, exists := w.row(t, "hesabe", "shop-2")
		assert.Check(t, got == code && exists == (code == exitNothing),
			"%q ends with %d, and there is a row: %v\n%s", answer, got, exists, shown)
	}
}
