package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenrefresh/internal/bench/endpoint"
)

func TestWaves(t *testing.T) {
	t.Parallel()
	zero := time.Unix(0, 0)
	call := func(op string, from, to int) endpoint.Call {
		return endpoint.Call{Op: op, Start: zero.Add(time.Duration(from)), End: zero.Add(time.Duration(to))}
	}
	tests := []struct {
		name  string
		calls []endpoint.Call
		want  []string
		took  []time.Duration
	}{
		{"none", nil, []string{}, nil},
		{
			"one after the other",
			[]endpoint.Call{call("Query", 0, 20), call("GetItem", 20, 41)},
			[]string{"Query", "GetItem"},
			[]time.Duration{20, 21},
		},
		{
			"together",
			[]endpoint.Call{call("Get", 0, 20), call("Get", 1, 25), call("Describe", 2, 22), call("Update", 30, 50)},
			[]string{"Describe + 2 × Get", "Update"},
			[]time.Duration{24, 20},
		},
		{
			"a long call beside two short ones",
			[]endpoint.Call{call("Long", 0, 50), call("A", 1, 20), call("B", 21, 41)},
			[]string{"A + Long", "B"},
			[]time.Duration{50, 20},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			groups := waves(tt.calls)
			if diff := cmp.Diff(tt.want, describe(groups)); diff != "" {
				t.Errorf("waves (-want +got):\n%s", diff)
			}
			var took []time.Duration
			for _, w := range groups {
				took = append(took, w.took())
			}
			if diff := cmp.Diff(tt.took, took); diff != "" {
				t.Errorf("times (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		values []float64
		want   spread
	}{
		{"one", []float64{3}, spread{3, 3, 3}},
		{"odd, unsorted", []float64{5, 1, 3, 2, 4}, spread{3, 2, 4}},
		{"even", []float64{1, 2, 3, 4}, spread{2.5, 1.75, 3.25}},
		{"an outlier moves nothing", []float64{1, 1, 1, 1, 1000}, spread{1, 1, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, spreadOf(tt.values)); diff != "" {
				t.Errorf("spread (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRatiosAreByRound(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]float64{2, 0.5}, ratios([]float64{2, 50}, []float64{1, 100})); diff != "" {
		t.Errorf("ratios (-want +got):\n%s", diff)
	}
}

// The functions are measured with what they are deployed with.
func TestTemplateEnv(t *testing.T) {
	t.Parallel()
	env, err := templateEnv("../../template.yaml", "RefreshHesabe")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"GOGC", "GOMEMLIMIT", "SSL_CERT_DIR", "HTTP_TIMEOUT"} {
		if env[name] == "" {
			t.Errorf("%s is missing in %v", name, env)
		}
	}
	if value, ok := env["SECRET_PREFIX"]; ok {
		t.Errorf("SECRET_PREFIX = %q, which depends on the deployment", value)
	}
	if _, err := templateEnv("../../template.yaml", "Nobody"); err == nil {
		t.Error("no error for a function that is not in the template")
	}
}

func TestHesabeTakesARefreshTokenOnce(t *testing.T) {
	t.Parallel()
	provider := &hesabe{}
	token := provider.seed()
	post := func(token string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		provider.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/v1/token-refresh",
			strings.NewReader(`{"refreshToken":"`+token+`"}`)))
		return w
	}
	first := post(token)
	var reply struct {
		Response struct {
			Token struct {
				RefreshToken string `json:"refresh_token"`
			} `json:"token"`
		} `json:"response"`
	}
	if err := json.Unmarshal(first.Body.Bytes(), &reply); err != nil || first.Code != http.StatusOK {
		t.Fatalf("HTTP %d, %v", first.Code, err)
	}
	if again := post(token); again.Code != http.StatusNotFound {
		t.Errorf("the same token again: HTTP %d, want 404", again.Code)
	}
	if next := post(reply.Response.Token.RefreshToken); next.Code != http.StatusOK {
		t.Errorf("the next token: HTTP %d, want 200", next.Code)
	}
}
