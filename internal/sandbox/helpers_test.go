package sandbox_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/aes"
)

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// bench is a sandbox and a client of it.
type bench struct {
	*sandbox.Sandbox
	client *http.Client
}

func start(t *testing.T, o sandbox.Options) *bench {
	t.Helper()
	sb, err := sandbox.Start(o)
	assert.NilError(t, err)
	transport := &http.Transport{DisableCompression: true}
	if o.Authority != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: o.Authority.Pool(), MinVersion: tls.VersionTLS12}
	}
	t.Cleanup(sb.Close)
	t.Cleanup(transport.CloseIdleConnections)
	return &bench{Sandbox: sb, client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a reply read to its end; err is how reading it ended.
type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

// ask sends a request; header is name and value in turn.
func (b *bench) ask(ctx context.Context, method, url, body string, header ...string) answer {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	for field := range slices.Chunk(header, 2) {
		req.Header.Set(field[0], field[1])
	}
	res, err := b.client.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	return answer{status: res.StatusCode, header: res.Header, body: string(text), err: err}
}

// refresh makes the provider's documented refresh request.
func (b *bench) refresh(ctx context.Context, p sandbox.Provider, token string) answer {
	creds := b.credentials(p)
	switch p {
	case sandbox.Hesabe:
		return b.hesabe(ctx, "token-refresh", jsonType, object("refreshToken", token))
	case sandbox.TConnect:
		return b.tconnect(ctx, "refresh", object("refresh_token", token), aes.Mode(creds["aes_iv_mode"]))
	case sandbox.Berbix:
		return b.berbix(ctx, creds["api_secret"], "", object("refresh_token", token, "grant_type", "refresh_token"))
	case sandbox.OAuth2: // oauth2Client does
	}
	panic("unknown provider")
}

// login makes the provider's documented login request.
func (b *bench) login(ctx context.Context, p sandbox.Provider) answer {
	creds := b.credentials(p)
	if p == sandbox.Hesabe {
		return b.hesabe(ctx, "login", jsonType, object("username", creds["username"], "password", creds["password"]))
	}
	return b.tconnect(ctx, "login", object("username", creds["username"], "password", creds["password"],
		"client_id", creds["client_id"], "client_secret", creds["client_secret"]), aes.Mode(creds["aes_iv_mode"]))
}

func (b *bench) hesabe(ctx context.Context, op, contentType, body string, header ...string) answer {
	return b.ask(ctx, http.MethodPost, b.URL(sandbox.Hesabe)+"/api/v1/"+op, body, append(header, "Content-Type", contentType)...)
}

func (b *bench) tconnect(ctx context.Context, op, plain string, mode aes.Mode) answer {
	creds := b.credentials(sandbox.TConnect)
	return b.ask(ctx, http.MethodPost, b.URL(sandbox.TConnect)+"/openapi/v1/auth/"+op,
		object("data", b.cipher(mode).EncryptHex([]byte(plain))),
		"Content-Type", jsonType, "Partner-Code", creds["partner_code"])
}

func (b *bench) berbix(ctx context.Context, user, password, body string) answer {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.URL(sandbox.Berbix)+"/v0/tokens", nil)
	if err != nil {
		return answer{err: err}
	}
	req.SetBasicAuth(user, password)
	return b.ask(ctx, http.MethodPost, req.URL.String(), body,
		"Content-Type", jsonType, "Authorization", req.Header.Get("Authorization"))
}

func (b *bench) credentials(p sandbox.Provider) map[string]string {
	var doc map[string]string
	if err := json.Unmarshal([]byte(b.Credentials(p)), &doc); err != nil {
		panic(err)
	}
	return doc
}

// cipher is TConnect's in the mode. The IV of mode fixed is in the credentials of a
// sandbox that runs in it.
func (b *bench) cipher(mode aes.Mode) *aes.Cipher {
	creds := b.credentials(sandbox.TConnect)
	key, err := aes.ParseKey(creds["aes_key"])
	if err != nil {
		panic(err)
	}
	c, err := aes.NewCipher(key, mode, creds["aes_iv"])
	if err != nil {
		panic(err)
	}
	return c
}

// object is a JSON object of strings, given as name and value in turn.
func object(fields ...string) string {
	doc := map[string]string{}
	for field := range slices.Chunk(fields, 2) {
		doc[field[0]] = field[1]
	}
	text, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// tokenFields finds the token fields in any plain success.
func tokenFields(t *testing.T, a answer) map[string]any {
	t.Helper()
	assert.Assert(t, a.err == nil && a.status == http.StatusOK, "status %d, error %v: %s", a.status, a.err, a.body)
	return parse(t, a.body)
}

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var doc map[string]any
	err := decoder.Decode(&doc)
	assert.Assert(t, err == nil, "%v: %s", err, text)
	if response, ok := doc["response"].(map[string]any); ok {
		doc, _ = response["token"].(map[string]any)
	}
	return doc
}

func tokens(t *testing.T, a answer) sandbox.Tokens {
	t.Helper()
	fields := tokenFields(t, a)
	access, _ := fields["access_token"].(string)
	refresh, _ := fields["refresh_token"].(string)
	return sandbox.Tokens{AccessToken: access, RefreshToken: refresh}
}

// clock is a settable clock.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2025, 10, 14, 6, 3, 43, 311_623_000, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
