package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"gotest.tools/v3/assert"
)

// heard is what functions have said: logs, results, errors.
type heard struct {
	mu    sync.Mutex
	texts []string // not checked yet
	logs  []*log
	spoke bool // anything at all
}

// log grows while its function lives.
type log struct {
	read    func() string
	checked int
}

func (h *heard) add(texts ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.texts = append(h.texts, texts...)
}

// listen adds a log with all that it says from now on.
func (h *heard) listen(read func() string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.logs = append(h.logs, &log{read: read})
}

// check fails the test if a secret was said since the last check. It prints neither.
func (h *heard) check(t *testing.T, secrets []string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.logs {
		text := l.read()
		news := text[l.checked:]
		h.texts = append(h.texts, news)
		l.checked += strings.LastIndex(news, "\n") + 1 // a line may have begun and not ended yet
	}
	all := strings.Join(h.texts, "\n") // once for all: there may be thousands of secrets
	h.spoke = h.spoke || strings.TrimSpace(all) != ""
	if i := leak(all, secrets); i >= 0 {
		t.Errorf("a function has told a secret (%d characters long)", len(secrets[i]))
	}
	h.texts = nil
}

// checkLast is the last check, which must not have been in vain.
func (h *heard) checkLast(t *testing.T, secrets []string) {
	t.Helper()
	h.check(t, secrets)
	if !h.spoke && !t.Failed() && !t.Skipped() {
		t.Error("nothing was heard: the search for secrets was in vain")
	}
}

// leak is the index of a secret that text holds, in clear or as requests carry it;
// -1: none.
func leak(text string, secrets []string) int {
	return slices.IndexFunc(secrets, func(secret string) bool {
		for _, form := range forms(secret) {
			if contains(text, form) {
				return true
			}
		}
		return false
	})
}

// contains is strings.Contains, which searches for what is short many times faster.
func contains(text, form string) bool {
	const short = 32
	return strings.Contains(text, form[:min(short, len(form))]) && strings.Contains(text, form)
}

func forms(secret string) []string {
	quoted, _ := json.Marshal(secret)
	return []string{
		secret,
		string(quoted[1 : len(quoted)-1]),
		url.QueryEscape(secret),
		base64.StdEncoding.EncodeToString([]byte(secret + ":")), // Basic authentication
	}
}

func TestLeakIsFound(t *testing.T) {
	t.Parallel()
	secrets := []string{"other", `pass"word`}
	for text, want := range map[string]int{
		"all is well":                -1,
		`{"error":"pass\"word"}`:     1,
		"refreshToken=pass%22word&x": 1,
		`plain pass"word`:            1,
		"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(`pass"word:`)): 1,
	} {
		got := leak(text, secrets)
		assert.Check(t, got == want, "%s: %d, want %d", text, got, want)
	}
}
