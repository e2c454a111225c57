package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// heard is what functions have said: logs, results, errors.
type heard struct {
	mu    sync.Mutex
	texts []string
}

func (h *heard) add(texts ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.texts = append(h.texts, texts...)
}

// check fails the test if a secret was said. It prints neither.
func (h *heard) check(t *testing.T, secrets []string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.texts) == 0 && !t.Failed() && !t.Skipped() {
		t.Error("nothing was heard: the search for secrets was in vain")
	}
	for _, text := range h.texts {
		if i := leak(text, secrets); i >= 0 {
			t.Errorf("a function has told a secret (%d characters long) in a text of %d characters", len(secrets[i]), len(text))
		}
	}
}

// leak is the index of a secret that text holds, in clear or as requests carry it;
// -1: none.
func leak(text string, secrets []string) int {
	return slices.IndexFunc(secrets, func(secret string) bool {
		for _, form := range forms(secret) {
			if strings.Contains(text, form) {
				return true
			}
		}
		return false
	})
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
		if got := leak(text, secrets); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}
