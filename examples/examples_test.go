package examples_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenrefresh/internal/moto"
)

// each runs a test for each language.
func each(t *testing.T, test func(t *testing.T, d *driver)) {
	t.Helper()
	for name, language := range languages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t, language))
		})
	}
}

// publish publishes a token as of Hesabe that is issued at a moment: 15 minutes of life,
// of which the last 3 are spare.
func (d *driver) publish(token string, issued time.Time) {
	d.t.Helper()
	stamp := func(after time.Duration) string { return issued.Add(after).UTC().Format(time.RFC3339) }
	d.put(fmt.Sprintf(`{"access_expires_at":%q,"access_token":%q,"attempt_id":"a","refresh_at":%q,"token_type":"Bearer"}`,
		stamp(15*time.Minute), token, stamp(12*time.Minute)))
}

func (d *driver) put(value string) {
	d.t.Helper()
	if _, err := d.aws.Edit(d.t.Context(), d.name, value); err != nil {
		d.t.Error(err)
	}
}

func TestLifeOfAToken(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, d *driver) {
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
	each(t, func(_ *testing.T, d *driver) {
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
	each(t, func(_ *testing.T, d *driver) {
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

func TestRequests(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *driver) {
		var mu sync.Mutex
		var seen []string
		serve := func(name string, next http.HandlerFunc) string {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, strings.Join([]string{name, r.URL.Path, string(body), r.Header.Get("Authorization")}, " "))
				next(w, r)
			}))
			t.Cleanup(server.Close)
			return server.URL
		}
		other := serve("other", func(http.ResponseWriter, *http.Request) {})
		api := serve("api", func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Header.Get("Authorization") != "Bearer two":
				w.WriteHeader(http.StatusUnauthorized)
			case r.URL.Path == "/out":
				http.Redirect(w, r, other+"/in", http.StatusFound)
			}
		})
		post := func(path string, status int, want ...string) {
			t.Helper()
			if a := d.do(order{Do: "post", URL: api + path, Body: "order"}); a.Status != status {
				t.Errorf("%s: %+v, want status %d", path, a, status)
			}
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(want, slices.Clone(seen)); diff != "" {
				t.Errorf("%s: requests (-want +got):\n%s", path, diff)
			}
			seen = nil
		}
		d.publish("one", time.Now())
		post("/", http.StatusUnauthorized, "api / order Bearer one")
		d.advance(10) // after which it looks for another again
		d.publish("two", time.Now())
		post("/", http.StatusOK, "api / order Bearer one", "api / order Bearer two")
		post("/out", http.StatusOK, "api /out order Bearer two", "other /in  ")
	})
}
