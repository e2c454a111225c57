package wire_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenrefresh/internal/bench/endpoint"
	"tokenrefresh/internal/bench/wire"
)

// echo answers with what it was asked.
type echo struct{}

func (echo) Answer(r wire.Request, reply []byte) (op string, status int, body []byte) {
	return r.Target, http.StatusOK, append(append(append(reply, r.Path+" "+r.Authorization+" "...), r.Body...), '!')
}

const latency = 3 * time.Millisecond

func start(t *testing.T) (*wire.Server, *http.Client) {
	t.Helper()
	ca, err := endpoint.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	s, err := wire.Start(t.Context(), wire.Options{Certificate: ca.Certificate(), ContentType: "text/plain", Latency: latency}, echo{})
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.PEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, MaxConnsPerHost: 2}
	t.Cleanup(transport.CloseIdleConnections)
	return s, &http.Client{Transport: transport}
}

func ask(t *testing.T, client *http.Client, method, url, body string) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("X-Amz-Target", "Service_1.Echo")
	r.Header.Set("Authorization", "me")
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

func TestServer(t *testing.T) {
	t.Parallel()
	s, client := start(t)
	const calls = 20
	var group sync.WaitGroup
	for i := range calls {
		group.Go(func() {
			body := strings.Repeat("x", i*1000) // some larger than what is read ahead
			got, err := ask(t, client, http.MethodPost, s.URL()+"/path", body)
			if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff("/path me "+body+"!", got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
	group.Wait()
	stats := s.Stats()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if stats.Connections < 1 || stats.Connections > 2 {
		t.Errorf("%d connections, want at most 2", stats.Connections)
	}
	op := stats.Ops["Echo"]
	if op.Calls != calls || op.Mean() < latency || op.Last.Sub(op.First) < latency {
		t.Errorf("%d calls that took %v on average, want %d of at least %v", op.Calls, op.Mean(), calls, latency)
	}
}

func TestServerTellsOfWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	s, client := start(t)
	if answer, err := ask(t, client, http.MethodGet, s.URL(), ""); err == nil {
		t.Errorf("a GET was answered with %q", answer)
	}
	if err := s.Close(); err == nil {
		t.Error("no error")
	}
}

func TestMeanOfNothing(t *testing.T) {
	t.Parallel()
	if got := (wire.Op{}).Mean(); got != 0 {
		t.Errorf("%v, want 0", got)
	}
}
