// Package rehearsal is a network in memory on which a function refreshes tokens that do not exist.
// A function does this once while it starts with a whole processor. Then code is in memory and
// caches are filled, and its first real refresh is faster. Nothing reaches the real network.
package rehearsal

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

const (
	// text is the value of each field of the credentials. It also is a valid key.
	text = "00000000000000000000000000000000" + "00000000000000000000000000000000"
	// version is the id of each version.
	version = "00000000-0000-4000-8000-000000000000"
	account = "default"
	// transaction is the id of the one that is due.
	transaction = 1
	past        = "2020-01-01T00:00:00Z"
	future      = "2120-01-01T00:00:00Z"
)

// Network answers like Secrets Manager, DynamoDB and a provider. It keeps nothing. Close it in the
// end.
type Network struct {
	provider, credentials string

	mu   sync.Mutex
	ends []net.Conn // of connections, on the hosts' side
}

// For is the network for a function of that provider.
func For(p providers.Described) *Network {
	fields := map[string]string{}
	for _, f := range p.Fields() {
		switch {
		case strings.HasSuffix(f.Name, "url"):
			fields[f.Name] = "https://rehearsal.invalid"
		case !f.Optional || f.Login:
			fields[f.Name] = text
		}
	}
	credentials, _ := json.Marshal(fields) // of strings: never fails
	return &Network{provider: p.Name(), credentials: string(credentials)}
}

// Environment is the environment of a function on the network: that of getenv, with one account
// and, of AWS's variables, only the region.
func Environment(getenv func(string) string) func(string) string {
	return func(name string) string {
		switch name {
		case "AWS_REGION", "AWS_DEFAULT_REGION":
			return getenv(name)
		case "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY":
			return text
		case "ACCOUNTS":
			return account
		}
		if strings.HasPrefix(name, "AWS_") {
			return ""
		}
		return getenv(name)
	}
}

// Dial opens a connection to a host that answers for all of them. It has no TLS.
func (n *Network) Dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ends = append(n.ends, far)
	go n.serve(far)
	return near, nil
}

// Close closes all connections.
func (n *Network) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, far := range n.ends {
		_ = far.Close()
	}
}

// serve answers requests until the connection is closed.
func (n *Network) serve(conn net.Conn) {
	requests := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(requests)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		answer := n.answer(operation, string(body))
		if _, err := fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: %s\r\nContent-Length: %d\r\n\r\n%s",
			time.Now().UTC().Format(http.TimeFormat), len(answer), answer); err != nil {
			return
		}
	}
}

// answer is the body of the answer to a request; operation is empty for those to the provider.
func (n *Network) answer(operation, body string) string {
	switch operation {
	case "":
		return `{"status":true,"response":{"token":` + tokens + `}}`
	case "GetSecretValue":
		value := tokens
		if strings.Contains(body, "/"+string(store.Credentials)) {
			value = n.credentials
		}
		quoted, _ := json.Marshal(value) // of a string: never fails
		return `{"VersionId":"` + version + `","SecretString":` + string(quoted) + `}`
	case "DescribeSecret":
		return `{"VersionIdsToStages":{"` + version + `":["AWSCURRENT"]}}`
	case "Query":
		if strings.Contains(body, `"IndexName"`) {
			return n.due(body)
		}
		return items(`{"provider":{"S":"` + n.provider + `"},"account":{"S":"` + account + `"},` +
			`"fence":{"N":"1"},"phase":{"S":"idle"},"state":{"S":"ok"},` +
			`"version_id":{"S":"` + version + `"},"published_version_id":{"S":"` + version + `"},` +
			`"refresh_at":{"S":"` + past + `"},"spent":{"L":[{"S":"` + text + `"}]}}`)
	case "BatchGetItem":
		return responses(body)
	}
	return "{}"
}

// tokens are what a provider hands out, and what is in the secret of that name.
const tokens = `{"token_type":"Bearer","expires_in":900,"access_token":"` + version + `","refresh_token":"` + text + `"}`

func items(all string) string { return `{"Items":[` + all + `]}` }

// due is a page of the index of due transactions.
func (*Network) due(query string) string {
	if !strings.Contains(query, fmt.Sprintf(`"%s#%d"`, account, store.ShardOf(transaction))) {
		return items("")
	}
	return items(fmt.Sprintf(`{"transaction_id":{"N":"%d"},"refresh_at":{"S":"%s"},"access_expires_at":{"S":"%s"}}`,
		transaction, past, future))
}

// responses is the answer to a request for rows of the table of transactions.
func responses(body string) string {
	var asked struct{ RequestItems map[string]json.RawMessage }
	_ = json.Unmarshal([]byte(body), &asked) // without a table there are no rows
	rows := map[string]json.RawMessage{}
	for table := range asked.RequestItems {
		rows[table] = json.RawMessage(fmt.Sprintf(`[{"transaction_id":{"N":"%d"},"account":{"S":"%s"},"refresh_token":{"S":"%s"},`+
			`"status":{"S":"active"},"recorded_at":{"S":"%s"},"refresh_at":{"S":"%s"},"ttl":{"N":"4733510400"}}]`,
			transaction, account, text, past, past))
	}
	answer, _ := json.Marshal(map[string]any{"Responses": rows})
	return string(answer)
}
