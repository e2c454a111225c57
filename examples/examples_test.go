package examples_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/moto"
)

// each runs a test for each language.
func each(t *testing.T, options string, test func(t *testing.T, d *driver)) {
	t.Helper()
	for name, language := range languages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t, language, options))
		})
	}
}

// publish publishes a token like Hesabe's: it lives 15 minutes, and is refreshed 3 minutes before
// its end.
func (d *driver) publish(token string, issued time.Time) {
	d.t.Helper()
	stamp := func(after time.Duration) string { return issued.Add(after).UTC().Format(time.RFC3339) }
	d.put(fmt.Sprintf(`{"access_expires_at":%q,"access_token":%q,"attempt_id":%q,"refresh_at":%q,"token_type":"Bearer"}`,
		stamp(15*time.Minute), token, d.attempt(token), stamp(12*time.Minute)))
}

// attempt names the attempt that got a token. It holds nothing of it.
func (d *driver) attempt(token string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(d.name+token)))
}

func (d *driver) put(value string) {
	d.t.Helper()
	_, err := d.aws.Edit(d.t.Context(), d.name, value)
	assert.Check(d.t, err)
}

func TestLifeOfAToken(t *testing.T) {
	t.Parallel()
	each(t, deaf, func(_ *testing.T, d *driver) {
		d.wantError("") // no value yet
		d.put(`{"access_token":"planted","access_expires_at":"planted"}`)
		d.advance(2)
		d.wantError("as token-refresh writes it")
		d.advance(2)
		d.aws.Calls()

		issued := time.Now()
		d.publish("one", issued)
		d.wantToken("get", "Bearer one")
		d.wantToken("get", "Bearer one")
		d.advance(11 * 60)
		d.wantToken("get", "Bearer one")
		d.wantReads(1, 1)

		d.advance(60) // the refresh is late
		d.wantToken("get", "Bearer one")
		d.wantToken("get", "Bearer one")
		d.wantReads(1, 1)
		d.advance(10)
		d.wantToken("get", "Bearer one")
		d.wantReads(1, 1)

		d.advance(10)
		d.aws.Play("GetSecretValue", moto.Refuse, moto.Refuse, moto.Refuse) // as often as SDKs try
		d.wantToken("get", "Bearer one")
		d.aws.Calls()

		d.advance(140) // less than 30 s left
		d.wantError("none newer is published")
		d.publish("two", issued.Add(14*time.Minute))
		d.advance(2)
		d.wantToken("get", "Bearer two")
		d.wantReads(2, 2)
	})
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	each(t, deaf, func(_ *testing.T, d *driver) {
		d.publish("one", time.Now())
		d.wantToken("get", "Bearer one")
		d.aws.Calls()
		d.wantToken("renew", "none") // a 401 for another reason
		d.wantToken("renew", "none")
		d.wantReads(1, 1)

		d.advance(13 * 60) // due: the provider may have revoked it already
		d.wantToken("renew", "none")
		d.wantReads(2, 8)
		d.advance(10)
		var reads atomic.Int32
		d.onRead.Store(func() {
			if reads.Add(1) == 2 {
				d.publish("two", time.Now().Add(13*time.Minute))
			}
		})
		d.wantToken("renew", "Bearer two")
		d.wantReads(2, 2)
		d.wantToken("get", "Bearer two")
		d.wantReads(0, 0)
	})
}

// Many callers share a read, and a renewal.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	each(t, deaf, func(_ *testing.T, d *driver) {
		d.publish("one", time.Now())
		d.wantToken("get many", "Bearer one")
		d.wantReads(1, 1)
		d.wantToken("get", "Bearer one")
		d.advance(12 * 60)
		d.wantToken("renew many", "none")
		d.wantReads(2, 8)
		d.advance(10)
		d.publish("two", time.Now().Add(12*time.Minute))
		d.wantToken("renew many", "Bearer two")
		d.wantReads(1, 1)
	})
}

// api is a provider's API that accepts one token.
type api struct {
	t     *testing.T
	valid atomic.Value // string

	mu   sync.Mutex
	seen []string
}

// serve starts a server that notes each request as name, path, header X-Kept, body and
// authorization.
func (a *api) serve(name string, answer http.HandlerFunc) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.Check(a.t, err)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.seen = append(a.seen, strings.Join([]string{name, r.URL.Path, r.Header.Get("X-Kept"), string(body), r.Header.Get("Authorization")}, " "))
		answer(w, r)
	}))
	a.t.Cleanup(server.Close)
	return server.URL
}

// take returns the requests since its last call.
func (a *api) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	seen := a.seen
	a.seen = nil
	return seen
}

// A repeated request arrives whole, with the new token and the same headers, or not at all: a
// used-up body would arrive empty.
func TestRequests(t *testing.T) {
	t.Parallel()
	each(t, deaf, func(t *testing.T, d *driver) {
		a := &api{t: t}
		a.valid.Store("Bearer token-0")
		url := a.serve("api", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != a.valid.Load() {
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
		d.publish("token-0", time.Now())
		kinds := d.do(order{Do: "kinds"}).Kinds
		assert.Assert(t, len(kinds) >= 10, "kinds %q", kinds)
		for n, kind := range kinds {
			old, next := fmt.Sprint("token-", n), fmt.Sprint("token-", n+1)
			d.wantToken("get", "Bearer "+old)
			d.publish(next, time.Now())
			a.valid.Store("Bearer " + next)
			got := d.do(order{Do: "send", Kind: kind, URL: url + "/", Body: "order"})
			seen := a.take()
			d.wantToken("renew", "Bearer "+next) // also where it was not sent again
			switch {
			case kind == "aborted":
				assert.Check(t, len(seen) <= 0 && got.Error != "", "%s: %+v, requests %q", kind, got, seen)
			case strings.HasPrefix(kind, "once: "):
				if len(seen) != 1 || !strings.Contains(seen[0], "order") || got.Status != http.StatusUnauthorized {
					t.Errorf("%s: %+v, requests %q", kind, got, seen)
				}
			default:
				if len(seen) != 2 || strings.Replace(seen[0], old, next, 1) != seen[1] || got.Status != http.StatusOK {
					t.Errorf("%s: %+v, requests %q", kind, got, seen)
				}
			}
		}
	})
}

// A token goes to no other host, and a 401 from there says nothing about it.
func TestRedirects(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]string{"python": "bytes", "node": "text"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t, languages[name], deaf)
			a := &api{t: t}
			other := a.serve("other", func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/refused" {
					w.WriteHeader(http.StatusUnauthorized)
				}
			})
			url := a.serve("api", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other+r.URL.Path, http.StatusFound)
			})
			d.publish("one", time.Now())
			d.wantToken("get", "Bearer one")
			d.publish("two", time.Now())
			for path, status := range map[string]int{"/in": http.StatusOK, "/refused": http.StatusUnauthorized} {
				got := d.do(order{Do: "send", Kind: kind, URL: url + path, Body: "order"})
				want := []string{"api " + path + " kept order Bearer one", "other " + path + " kept  "}
				if diff := cmp.Diff(want, a.take()); diff != "" || got.Status != status {
					t.Errorf("%s: %+v, requests (-want +got):\n%s", path, got, diff)
				}
			}
		})
	}
}

// A token that was revoked before its time is reported once, after a second read has not helped,
// unless the next token is published by then.
func TestRejection(t *testing.T) {
	t.Parallel()
	each(t, listening, func(t *testing.T, d *driver) {
		told := func(token string) {
			t.Helper()
			got := d.do(order{Do: "rejected"}).Rejected
			assert.Check(t, got == d.attempt(token), "told of %q, want that of %s", got, token)
		}
		issued := time.Now()
		publish := func(token string) { d.publish(token, issued) }
		renew := func(want string) { // late enough to look for another again
			t.Helper()
			d.advance(20)
			d.wantToken("renew", want)
		}
		publish("one")
		d.wantToken("get", "Bearer one")
		renew("none")
		told("one")
		renew("none") // reported already

		publish("two")
		renew("Bearer two")
		d.wantToken("get", "Bearer two")
		d.aws.Play("GetSecretValue", moto.Refuse, moto.Refuse, moto.Refuse) // nobody knows whether it helps
		renew("none")
		d.onRead.Store(func() { // the one after that of the renewal
			d.onRead.Store(func() { publish("three") })
		})
		renew("none")
		renew("Bearer three")

		d.onRead.Store(func() {})
		d.wantToken("get", "Bearer three")
		renew("none")
		told("three")
	})
}

// No error of the example, and none of its causes, shows what the secret holds.
func TestUnusableSecrets(t *testing.T) {
	t.Parallel()
	each(t, deaf, func(_ *testing.T, d *driver) {
		document := func(token, kind, expires string) string {
			return `{"access_token":` + token + `,"token_type":` + kind + `,"access_expires_at":` + expires +
				`,"refresh_at":"2126-11-29T11:12:46Z","attempt_id":"a"}`
		}
		const bearer, expires = `"Bearer"`, `"2126-11-29T11:15:46Z"`
		for _, value := range []string{
			document(`"planted\ntoken"`, bearer, expires),
			document(`"planted\u0000"`, bearer, expires),
			document(`"plantedé"`, bearer, expires),
			document(`"planted token"`, bearer, expires),
			document(`["planted"]`, bearer, expires),
			document(`{"planted":1}`, bearer, expires),
			document(`1234`, bearer, expires),
			document(`null`, bearer, expires),
			document(`" \n"`, bearer, expires),
			document(`"t"`, `"planted\r\nX-Mine: planted"`, expires),
			document(`"t"`, `["planted"]`, expires),
			document(`"t"`, bearer, `"planted"`),
			document(`"t"`, bearer, `5`),
			`{"access_token":"planted"`, `{"access_token":"planted"} planted`, `["planted"]`, `"planted"`, `planted`, `null`, `7`,
		} {
			d.put(value)
			d.advance(3)
			d.wantError("as token-refresh writes it")
		}
		// White space around a token is no part of it.
		d.put(document(`" one\r\n"`, `"Bearer\n"`, expires))
		d.advance(3)
		d.wantToken("get", "Bearer one")
	})
}

// Readers get the fields of the provider's reply too. Malformed fields cost no token.
func TestFieldsOfTheReply(t *testing.T) {
	t.Parallel()
	each(t, deaf, func(_ *testing.T, d *driver) {
		for _, c := range []struct{ reply, instance string }{
			{`{"instance_url":"planted","n":[1]}`, "planted"}, {`{}`, ""}, {`null`, ""}, {`"planted"`, ""}, {`["planted"]`, ""},
		} {
			d.put(`{"access_token":"one","token_type":"Bearer","access_expires_at":"2126-11-29T11:15:46Z","refresh_at":"2026-01-01T00:00:00Z",` +
				`"attempt_id":"a","reply":` + c.reply + `}`)
			d.advance(11) // its refresh is late: it is read every 5 to 10 s
			a := d.do(order{Do: "get"})
			assert.Check(d.t, a.Authorization == "Bearer one" && a.Instance == c.instance, "reply %s: %+v", c.reply, a)
		}
	})
}
