package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/terminal/terminaltest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// service is an OAuth 2 service with a login page: opening it means consent. It grants one code,
// which is good once.
type service struct {
	*httptest.Server

	answer string // of the token endpoint; empty: the usual
	status int    // with answer
	asked  string // answer to introspection
	deny   string // the query that the page sends back instead of a code, without the state

	mu        sync.Mutex
	challenge string
	redeemed  []url.Values
}

const loginCode = "code-" + planted

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP implements http.Handler.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path == "/authorize" {
		query := r.URL.Query()
		s.challenge = query.Get("code_challenge")
		back := "code=" + url.QueryEscape(loginCode)
		if s.deny != "" {
			back = s.deny
		}
		http.Redirect(w, r, query.Get("redirect_uri")+"?"+back+"&state="+query.Get("state"), http.StatusFound)
		return
	}
	if r.URL.Path == "/introspect" {
		_, _ = io.WriteString(w, s.asked)
		return
	}
	_ = r.ParseForm()
	s.redeemed = append(s.redeemed, r.PostForm)
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	answer, status := s.answer, s.status
	switch {
	case answer != "":
	case r.PostForm.Get("code") != loginCode, len(s.redeemed) > 1,
		s.challenge != "" && s.challenge != base64.RawURLEncoding.EncodeToString(sum[:]):
		answer, status = `{"error":"invalid_grant"}`, http.StatusBadRequest
	default:
		answer, status = `{"access_token":"at-`+planted+`","refresh_token":"rt-`+planted+`","expires_in":1800}`, http.StatusOK
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

// seedTo puts the service's client in as the account xero, with further fields.
func (s *service) seedTo(t *testing.T, w *world, fields string) {
	t.Helper()
	w.run(t, `{"token_url":"`+s.URL+`/token","client_id":"id","client_secret":"`+planted+`","refresh_token_reuse":"never"`+fields+`}`,
		"seed", "credentials", "--provider", "oauth2", "--account", "xero").want(t, exitDone, "tokenctl login --provider oauth2 --account xero")
}

func (s *service) page() string { return `,"auth_url":"` + s.URL + `/authorize"` }

var shownAddress = regexp.MustCompile(`(?m)^https?://\S+$`)

// logIn runs login with a person who does browse with the address of the page, once it is shown.
func (w *world) logIn(ctx context.Context, t *testing.T, stdin io.Reader, browse func(address string), args ...string) said {
	t.Helper()
	var out bytes.Buffer
	var errOut screen
	ended := make(chan int, 1)
	go func() {
		ended <- execute(ctx, append(append([]string{"login", "--provider", "oauth2", "--account", "xero"}, args...), w.flags...), stdin, &out, &errOut)
	}()
	var code int
	for shown := false; ; {
		address := shownAddress.FindString(errOut.text())
		select {
		case code = <-ended:
			assert.Check(t, !strings.Contains(out.String()+errOut.text(), planted),
				"a secret is shown:\n%s%s", out.String(), errOut.text())
			return said{code, out.String(), errOut.text()}
		case <-time.After(time.Millisecond):
			if address != "" && !shown {
				shown = true
				browse(address)
			}
		}
	}
}

// browser is a person's browser: it follows where it is sent.
func browser(t *testing.T) func(address string) {
	t.Helper()
	return func(address string) {
		request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, address, http.NoBody)
		if err != nil {
			t.Error(err)
			return
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Error(err)
			return
		}
		_ = response.Body.Close()
	}
}

// endsAt is where a browser ends that cannot load the last page.
func endsAt(t *testing.T, address string) string {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	assert.NilError(t, err)
	response, err := client.Do(request)
	assert.NilError(t, err)
	_ = response.Body.Close()
	return response.Header.Get("Location")
}

func TestLogin(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		s := newService(t)
		s.seedTo(t, w, s.page()+`,"auth_scope":"a offline_access"`)
		w.logIn(t.Context(), t, strings.NewReader(""), browser(t), "--json").want(t, exitDone,
			`"account":"xero"`, "oauth2/xero/tokens", "the next tick looks at it", "scope=a+offline_access")
		got := w.current(t, "oauth2", "xero", store.TokensDoc)
		assert.Check(t, got == `{"refresh_token":"rt-`+planted+`"}`, "tokens %s", got)
		row, exists := w.row(t, "oauth2", "xero")
		assert.Check(t, exists && !row.RefreshAt.After(time.Now()), "row %+v", row)
		if form := s.redeemed[0]; len(s.redeemed) != 1 || form.Get("code_verifier") == "" || !strings.HasPrefix(form.Get("redirect_uri"), "http://127.0.0.1:") {
			t.Errorf("%d calls", len(s.redeemed))
		}

		// The chain works now: nobody logs in for nothing.
		row, _ = w.row(t, "oauth2", "xero")
		row.State, row.LastOutcome = store.OK, "refreshed"
		row.Fence, row.AttemptID = 1, "a"
		w.write(t, row)
		held := `{"refresh_token":"` + planted + `-2","access_token":"x","access_expires_at":"2099-01-01T00:00:00Z","attempt_id":"a"}`
		_, err := w.Editor.PutCurrent(t.Context(), row.Key, store.TokensDoc, secret.New(held))
		assert.NilError(t, err)
		never := func(address string) { t.Errorf("the page is shown: %s", address) }
		w.logIn(t.Context(), t, strings.NewReader(""), never).want(t, exitFailed, "nothing was written: this credential works", "--force")
	})
}

// What the browser and the service answer is shown, and nothing is written.
func TestLoginFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*service)
		args   []string
		code   int
		says   []string
	}{
		"denied": {
			func(s *service) {
				s.deny = "error=access_denied&error_description=" + url.QueryEscape("no\x1b[2J\u202e way\n")
			},
			nil, exitFailed,
			[]string{"the service says access_denied: no", `\u001b[2J\u202e way`},
		},
		"no refresh token": {
			func(s *service) { s.answer, s.status = `{"access_token":"at-`+planted+`"}`, http.StatusOK },
			nil, exitFailed,
			[]string{"nothing was written", "no refresh token", "offline_access", "access_type=offline"},
		},
		"the code is refused": {
			func(s *service) {
				s.answer, s.status = `{"error":"invalid_grant","error_description":"PKCE\u001b[8m"}`, http.StatusBadRequest
			},
			nil, exitFailed,
			[]string{"nothing was written", "the code is refused", `says: invalid_grant PKCE\u001b[8m`},
		},
		"the client is refused": {
			func(s *service) { s.answer, s.status = `{"error":"invalid_client"}`, http.StatusUnauthorized },
			nil, exitFailed,
			[]string{"correct client_id, client_secret"},
		},
		"another login's answer": {
			func(s *service) { s.deny = "state=other&code=" + planted },
			[]string{"--timeout", "300ms"},
			exitFailed,
			[]string{"a request was refused: this is not the answer to this login", "no answer came from the browser within 300ms: nothing was written"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, s := embeddedWorld(t), newService(t)
			s.seedTo(t, w, s.page())
			tt.change(s)
			got := w.logIn(t.Context(), t, strings.NewReader(""), browser(t), tt.args...)
			got.want(t, tt.code, tt.says...)
			assert.Check(t, !strings.ContainsAny(got.out+got.err, "\x1b\u202e"), "%q", got.err)
			text := w.current(t, "oauth2", "xero", store.TokensDoc)
			assert.Check(t, text == "" && len(s.redeemed) <= 1, "tokens %s after %d calls", text, len(s.redeemed))
		})
	}
}

func TestLoginRefuses(t *testing.T) {
	t.Parallel()
	w, s := embeddedWorld(t), newService(t)
	never := func(address string) { t.Errorf("the page is shown: %s", address) }
	w.logIn(t.Context(), t, strings.NewReader(""), never).want(t, exitFailed, "put it in first: tokenctl seed credentials --provider oauth2 --account xero --home embedded")
	s.seedTo(t, w, "")
	for says, args := range map[string][]string{
		"auth_url in the credentials":               nil,
		"--auth-url must begin with https":          {"--auth-url", "http://x.example"},
		"--redirect-uri must begin with https":      {"--auth-url", s.URL, "--redirect-uri", "http://x.example"},
		"must be from 0 to 65535":                   {"--redirect-port", "65536"},
		"must be above 0":                           {"--timeout", "0s"},
		"none of the others can be":                 {"--redirect-port", "1", "--redirect-uri", "http://127.0.0.1"},
		`unknown command "https://x.example"`:       {"https://x.example"},
		"hesabe has no page to log in at: use":      {"--provider", "hesabe"},
		"--auth-url must not hold a user or passwo": {"--auth-url", "https://u:p@x.example"},
	} {
		w.logIn(t.Context(), t, strings.NewReader(""), never, args...).want(t, exitUsage, says)
	}
	row, _ := w.row(t, "oauth2", "xero")
	row.Phase, row.AttemptID, row.ClaimedUntil = store.Sending, "a", time.Now().Add(time.Hour)
	w.write(t, row)
	w.logIn(t.Context(), t, strings.NewReader(""), never, "--auth-url", s.URL).want(t, exitFailed, "nothing was written: a run is at work")
	// A person who wants it all the same is not asked twice.
	w.logIn(t.Context(), t, strings.NewReader(""), browser(t), "--auth-url", s.URL+"/authorize", "--force").want(t, exitDone)
}

// A new refresh token shows whether the service can be asked about a lost one.
func TestLoginAsksWhetherItCanAsk(t *testing.T) {
	t.Parallel()
	for answer, says := range map[string]string{
		`{"active":true}`:  "the next tick looks at it",
		`{"active":false}`: "warning: introspection_url or probe_url says that this new refresh token is spent",
		`<html>`:           "warning: introspection_url or probe_url does not say that this new refresh token is unspent (oauth2 introspect",
	} {
		w, s := embeddedWorld(t), newService(t)
		s.asked = answer
		s.seedTo(t, w, s.page()+`,"introspection_url":"`+s.URL+`/introspect"`)
		got := w.logIn(t.Context(), t, strings.NewReader(""), browser(t))
		got.want(t, exitDone, says)
		warned := strings.Contains(got.err, "introspection_url")
		assert.Check(t, warned == (answer != `{"active":true}`), "%s: %s", answer, got.err)
	}
}

func TestLoginIsInterrupted(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--paste"}} {
		w, s := embeddedWorld(t), newService(t)
		s.seedTo(t, w, s.page())
		ctx, cancel := context.WithCancel(t.Context())
		in, hold := io.Pipe()
		w.logIn(ctx, t, in, func(string) { cancel() }, args...).want(t, exitStopped, "tokenctl: stopped: nothing was written")
		_ = hold.Close()
	}
}

// Without a browser here the person tells where it ended.
func TestLoginPasted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fields string
		args   []string
		paste  func(end string) string
		code   int
		says   string
	}{
		"https":         {`,"redirect_uri":"https://x.example/back"`, nil, func(end string) string { return end + "\n" }, exitDone, "https://x.example/back"},
		"by a flag":     {"", []string{"--redirect-uri", "https://x.example/back", "--no-pkce"}, func(end string) string { return end }, exitDone, "Open this address"},
		"this machine":  {"", []string{"--paste", "--redirect-port", "8765"}, func(end string) string { return " " + end + "\r\n" }, exitDone, "http://127.0.0.1:8765/callback"},
		"another state": {"", []string{"--paste"}, func(end string) string { return strings.Replace(end, "state=", "state=x", 1) }, exitFailed, "its state is another one"},
		"no address":    {"", []string{"--paste"}, func(string) string { return planted + "\n" }, exitFailed, "give the whole address"},
		"nothing":       {"", []string{"--paste"}, func(string) string { return "" }, exitFailed, "read the answer: EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, s := embeddedWorld(t), newService(t)
			s.seedTo(t, w, s.page()+tt.fields)
			in, out := io.Pipe()
			got := w.logIn(t.Context(), t, in, func(address string) {
				go func() {
					_, _ = io.WriteString(out, tt.paste(endsAt(t, address)))
					_ = out.Close()
				}()
			}, tt.args...)
			got.want(t, tt.code, tt.says)
			text := w.current(t, "oauth2", "xero", store.TokensDoc)
			assert.Check(t, (text != "") == (tt.code == exitDone), "tokens %s", text)
		})
	}
}

// At a terminal a wrong address is asked for again, and none is shown.
func TestLoginPastedAtATerminal(t *testing.T) {
	t.Parallel()
	w, s := embeddedWorld(t), newService(t)
	s.seedTo(t, w, s.page())
	screen := terminaltest.Open(t)
	ended := make(chan int)
	go func() {
		args := []string{"login", "--provider", "oauth2", "--account", "xero", "--redirect-uri", "https://x.example/back"}
		ended <- execute(t.Context(), append(args, w.flags...), screen.TTY, screen.TTY, screen.TTY)
	}()
	screen.Awaits(t, "(not shown): ")
	address := regexp.MustCompile(`(?m)^https?://\S+`).FindString(strings.ReplaceAll(screen.Shows(), "\r", ""))
	screen.Types(t, address+"\r")
	screen.Awaits(t, "the browser ended\r\nthe address at which the browser ended, https://x.example/back?… (not shown): ")
	screen.Types(t, endsAt(t, address)+"\r")
	if code := <-ended; code != exitDone || strings.Contains(screen.Shows(), planted) {
		t.Errorf("it ends with %d:\n%s", code, screen.Shows())
	}
}

// The page is opened in the person's chosen browser. If it cannot be opened, a message says so.
func TestLoginOpensTheBrowser(t *testing.T) {
	w, s := embeddedWorld(t), newService(t)
	s.seedTo(t, w, s.page())
	self, err := os.Executable()
	assert.NilError(t, err)
	t.Setenv("BROWSER", self+" browse")
	w.logIn(t.Context(), t, strings.NewReader(""), func(string) {}).want(t, exitDone)

	t.Setenv("BROWSER", "no-such-browser")
	again := newService(t)
	again.seedTo(t, w, again.page())
	w.logIn(t.Context(), t, strings.NewReader(""), func(address string) {
		time.AfterFunc(50*time.Millisecond, func() { browser(t)(address) })
	}).want(t, exitDone, "no browser could be opened")
}

// browse is a browser as a process of its own.
func browse(address string) int {
	response, err := http.Get(address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_ = response.Body.Close()
	return 0
}
