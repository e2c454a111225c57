package awshome_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/store"
)

func TestPreparedConnectionsAreUsed(t *testing.T) {
	t.Parallel()
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") == "secretsmanager.GetSecretValue" {
			_, _ = io.WriteString(w, `{"VersionId":"v","SecretString":"{}"}`)
			return
		}
		noRows(w, r)
	})
	clients := s.clients(t, awshome.Tuning{})
	assert.Assert(t, clients.Prepare(t.Context()), "nothing was prepared")
	s.want(t, 4, 0)
	rows(t, clients)
	if _, err := clients.Secrets("p").Current(t.Context(), key, store.Credentials); err != nil {
		t.Fatal(err)
	}
	s.want(t, 4, 2)
}

// If a server has closed a prepared connection, the call notices and takes another one.
func TestPreparedConnectionsThatAreDead(t *testing.T) {
	t.Parallel()
	s := newService(t, noRows)
	clients := s.clients(t, awshome.Tuning{})
	assert.Assert(t, clients.Prepare(t.Context()), "nothing was prepared")
	s.CloseClientConnections()
	rows(t, clients)
	s.want(t, 5, 1)
}

func TestPrepareWithoutNetwork(t *testing.T) {
	t.Parallel()
	for name, endpoint := range map[string]string{
		"nobody listens": "https://127.0.0.1:1", "no name": "https://aws.invalid", "no TLS": "http://127.0.0.1:1",
	} {
		clients, err := awshome.FromEnvironment(with(map[string]string{"AWS_ENDPOINT_URL": endpoint}), awshome.Tuning{})
		assert.NilError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		assert.Check(t, !clients.Prepare(ctx), "%s: prepared", name)
		cancel()
	}
}
