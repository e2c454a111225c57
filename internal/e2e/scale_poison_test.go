package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
)

// poisoned puts rows before all others that cannot be refreshed, each in another way.
// They are counted and named, and none of the others has to wait for them.
func (f *fleet) poisoned(t *testing.T, fn *function) {
	t.Helper()
	front := newFront(t, f.sandbox.URL(sandbox.Berbix))
	f.seed(t, map[string]any{"base_url": front.URL})
	members := f.makeDue(t, 8)
	next := 0
	take := func(spoil ...func(*member)) []*member {
		some := members[next : next+len(spoil)]
		next += len(spoil)
		for i, m := range some {
			m.item["refresh_at"] = text(stamp(time.Now().Add(-2 * time.Hour)))
			spoil[i](m)
		}
		return some
	}
	attribute := func(name string, value types.AttributeValue) func(*member) {
		return func(m *member) { m.item[name] = value }
	}
	revoke := func(m *member) { f.sandbox.Revoke(sandbox.Berbix, m.RefreshToken) }

	unreadable := take(
		attribute("failures", text("many")), attribute("ttl", text("1999999999")), attribute("status", number(1)),
		attribute("refresh_token", number(5)), attribute("recorded_at", text("yesterday")),
		attribute("access_expires_at", text("soon"))) // the last one in the index already
	tokenless := take(func(m *member) { delete(m.item, "refresh_token") })
	refused := take(revoke, revoke, revoke, revoke)
	sick := take(
		func(m *member) { front.sicken(m.RefreshToken, http.StatusServiceUnavailable) },
		func(m *member) { front.sicken(m.RefreshToken, 0) })
	good := members[next:]
	f.put(t, members[:next])
	forPeople := slices.Concat(unreadable, tokenless)

	f.wantSweep(t, fn, map[string]int{
		"refreshed": len(good), "dead": len(refused), "transient": len(forPeople) + len(sick),
	})
	refreshed(good)
	for _, m := range refused {
		m.presented++
	}
	f.checkPresented(t)
	f.checkFresh(t, good)
	f.checkRows(t, forPeople, f.read(t, forPeople)) // nobody has touched them
	for _, m := range slices.Concat(forPeople, refused, sick) {
		assert.Check(t, strings.Contains(fn.Logs(), strconv.FormatInt(m.ID, 10)),
			"the log does not name the row %v", m.item)
	}
	const tries = 3 // of a row in one run
	for _, m := range sick {
		n := front.came(m.RefreshToken)
		assert.Check(t, n == tries, "a row that always fails was tried %d times, want %d", n, tries)
	}

	// They are the longest due at the next tick, too, but for those that back off.
	more := f.makeDue(t, 1)
	f.wantSweep(t, fn, map[string]int{"refreshed": len(more), "transient": len(forPeople)})
	refreshed(more)
	f.checkPresented(t)

	rows := f.read(t, refused)
	for _, m := range refused {
		m.state, m.item = dead, rows[m.ID]
		assert.Check(t, m.item.text("status") == "dead" && !m.due(),
			"a refused row: status %s, due: %t", m.item.text("status"), m.due())
	}
	mended := slices.Concat(forPeople, sick)
	for _, m := range mended {
		m.item = f.newItem(m)
	}
	f.put(t, mended)
	f.seed(t, nil)
	f.wantSweep(t, fn, map[string]int{"refreshed": len(mended)})
	refreshed(mended)
	f.checkPresented(t)
	f.checkFresh(t, mended)
}

// front stands before the provider and lets calls with some refresh tokens fail.
type front struct {
	URL   string
	proxy http.Handler

	mu    sync.Mutex
	sick  map[string]int // the status by refresh token; 0: there is no answer
	calls map[string]int // of those
}

func newFront(t *testing.T, provider string) *front {
	t.Helper()
	target, err := url.Parse(provider)
	assert.NilError(t, err)
	f := &front{proxy: httputil.NewSingleHostReverseProxy(target), sick: map[string]int{}, calls: map[string]int{}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.URL = server.URL
	return f
}

func (f *front) sicken(token string, status int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sick[token] = status
}

func (f *front) came(token string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[token]
}

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	var call struct {
		RefreshToken string `json:"refresh_token"`
	}
	_ = json.Unmarshal(body, &call)
	f.mu.Lock()
	status, sick := f.sick[call.RefreshToken]
	f.calls[call.RefreshToken]++
	f.mu.Unlock()
	switch {
	case !sick:
		r.Body = io.NopCloser(bytes.NewReader(body))
		f.proxy.ServeHTTP(w, r)
	case status == 0:
		<-r.Context().Done()
	default:
		w.WriteHeader(status)
	}
}
