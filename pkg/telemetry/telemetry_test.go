package telemetry_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/telemetry"
)

func TestEmit(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	// A level above info must not silence the metrics that alarms depend on.
	log := telemetry.NewLogger(&out, slog.LevelError)
	at := time.UnixMilli(1_800_000_000_123).UTC()
	line := telemetry.Line{
		Namespace: "Space", Provider: "hesabe", Account: "default", At: at,
		Metrics: []telemetry.Metric{telemetry.Seconds("AccessTokenExpiresIn", 899500*time.Millisecond), telemetry.Count("AttemptsLeft", 2)},
	}
	line.Emit(t.Context(), log, slog.String("outcome", "refreshed"), slog.Any("planted", secret.New("planted-secret")))

	var got map[string]any
	err := json.Unmarshal(out.Bytes(), &got)
	assert.Assert(t, err == nil, "not one JSON object: %v\n%s", err, out.String())
	want := map[string]any{
		"time": "2027-01-15T08:00:00.123Z", "level": "INFO", "msg": "run",
		"provider": "hesabe", "account": "default", "outcome": "refreshed", "planted": "[secret]",
		"AccessTokenExpiresIn": 899.5, "AttemptsLeft": 2.0,
		"_aws": map[string]any{
			"Timestamp": 1_800_000_000_123.0,
			"CloudWatchMetrics": []any{map[string]any{
				"Namespace":  "Space",
				"Dimensions": []any{[]any{"provider", "account"}},
				"Metrics": []any{
					map[string]any{"Name": "AccessTokenExpiresIn", "Unit": "Seconds"},
					map[string]any{"Name": "AttemptsLeft", "Unit": "Count"},
				},
			}},
		},
	}
	assert.Check(t, is.DeepEqual(got, want))
}

// A line about no account has the metrics of all.
func TestEmitSummary(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	line := telemetry.Line{Namespace: "Space", Provider: "hesabe", Metrics: []telemetry.Metric{telemetry.Count("N", 0)}}
	line.Emit(t.Context(), telemetry.NewLogger(&out, 0))
	for _, want := range []string{`"msg":"summary"`, `"Dimensions":[["provider"]]`} {
		got := out.String()
		assert.Check(t, strings.Contains(got, want) && !strings.Contains(got, "account"), "no %s in %s", want, got)
	}
}

// Without CloudWatch the values are still logged.
func TestEmitWithoutNamespace(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	telemetry.Line{Metrics: []telemetry.Metric{telemetry.Count("N", 7)}}.Emit(t.Context(), telemetry.NewLogger(&out, 0))
	got := out.String()
	assert.Check(t, strings.Contains(got, `"N":7`) && !strings.Contains(got, "_aws"), "line %s", got)
}
