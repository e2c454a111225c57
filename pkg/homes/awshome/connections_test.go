package awshome_test

import (
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/store"
)

// service is an AWS over TLS that counts connections and requests.
type service struct {
	*httptest.Server
	connections, requests atomic.Int64
	ca                    string // file
}

func newService(t *testing.T, respond http.HandlerFunc) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		respond(w, r)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	s.ca = filepath.Join(t.TempDir(), "ca.pem")
	bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	assert.NilError(t, os.WriteFile(s.ca, bundle, 0o600))
	return s
}

func (s *service) clients(t *testing.T, tuning awshome.Tuning) *awshome.Clients {
	t.Helper()
	clients, err := awshome.FromEnvironment(with(map[string]string{"AWS_ENDPOINT_URL": s.URL, "AWS_CA_BUNDLE": s.ca}), tuning)
	assert.NilError(t, err)
	return clients
}

func (s *service) want(t *testing.T, connections, requests int64) {
	t.Helper()
	if got := s.connections.Load(); got != connections {
		t.Errorf("%d connections, want %d", got, connections)
	}
	if got := s.requests.Load(); got != requests {
		t.Errorf("%d requests, want %d", got, requests)
	}
}

func noRows(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"Items":[]}`) }

func rows(t *testing.T, clients *awshome.Clients) {
	t.Helper()
	_, err := clients.Ledger("ledger").Rows(t.Context(), "hesabe")
	assert.Check(t, err)
}

func TestOneConnectionForManyCalls(t *testing.T) {
	t.Parallel()
	s := newService(t, noRows)
	clients := s.clients(t, awshome.Tuning{})
	for range 100 {
		rows(t, clients)
	}
	s.want(t, 1, 100)
}

// With net/http's default of two idle connections a sweep would open most of them again.
func TestWorkersKeepTheirConnections(t *testing.T) {
	t.Parallel()
	const workers, waves = 8, 5
	var arrived sync.WaitGroup
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		arrived.Done()
		arrived.Wait() // all workers of a wave are here
		noRows(w, r)
	})
	clients := s.clients(t, awshome.Tuning{ConnectionsPerHost: workers})
	for range waves {
		var wave sync.WaitGroup
		arrived.Add(workers)
		for range workers {
			wave.Go(func() { rows(t, clients) })
		}
		wave.Wait()
	}
	s.want(t, workers, workers*waves)
}

// A call that finds no idle connection must not open one that nobody needs: during its handshake
// another connection becomes free.
func TestNoMoreConnectionsThanAllowed(t *testing.T) {
	t.Parallel()
	const allowed, calls = 2, 20
	s := newService(t, noRows)
	clients := s.clients(t, awshome.Tuning{ConnectionsPerHost: allowed})
	var group sync.WaitGroup
	for range calls {
		group.Go(func() { rows(t, clients) })
	}
	group.Wait()
	if got := s.connections.Load(); got > allowed {
		t.Errorf("%d connections for %d calls, want at most %d", got, calls, allowed)
	}
	if got := s.requests.Load(); got != calls {
		t.Errorf("%d requests, want %d", got, calls)
	}
}

func TestRefusalsKeepTheConnection(t *testing.T) {
	t.Parallel()
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"__type":"ConditionalCheckFailedException"}`, http.StatusBadRequest)
	})
	ledger := s.clients(t, awshome.Tuning{}).Ledger("ledger")
	for range 50 {
		if err := ledger.Write(t.Context(), store.Row{Key: key}, store.Guard{}); err == nil {
			t.Fatal("no error")
		}
	}
	s.want(t, 1, 50)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	if _, err := s.clients(t, awshome.Tuning{}).Secrets("p").Current(t.Context(), key, store.Credentials); err == nil {
		t.Fatal("no error")
	}
	s.want(t, 1, 1)
}
