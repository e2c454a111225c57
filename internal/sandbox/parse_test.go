package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
)

func TestParseLifetime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]sandbox.Lifetime{
		"hesabe=2m":      {Access: 2 * time.Minute},
		"tconnect=5m/1h": {Access: 5 * time.Minute, Refresh: time.Hour},
		"berbix=1s":      {Access: time.Second},
	} {
		p, got, err := sandbox.ParseLifetime(text)
		assert.Check(t, err == nil && got == want && strings.HasPrefix(text, string(p)),
			"%s: %s %+v, %v", text, p, got, err)
	}
	for _, text := range []string{"", "hesabe", "hesabe=", "hesabe=0s", "hesabe=-1m", "hesabe=1.5s", "hesabe=2", "hesabe=2m/", "other=2m", "=2m"} {
		_, _, err := sandbox.ParseLifetime(text)
		assert.Check(t, err != nil, "%q is taken", text)
	}
}

func TestParsedFaultsHappen(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	inject := func(text string) {
		i, err := sandbox.ParseInjection(text)
		assert.NilError(t, err)
		b.Inject(i.Provider, i.Op, i.Times, i.Fault)
	}
	inject("hesabe/refresh=status:503*1")
	inject("berbix=html:404")
	got := b.refresh(t.Context(), sandbox.Hesabe, b.Issue(sandbox.Hesabe).RefreshToken)
	assert.Check(t, got.status == http.StatusServiceUnavailable, "the first call: %+v", got)
	tokens(t, b.refresh(t.Context(), sandbox.Hesabe, b.Issue(sandbox.Hesabe).RefreshToken))
	for range 2 {
		got := b.refresh(t.Context(), sandbox.Berbix, b.Issue(sandbox.Berbix).RefreshToken)
		assert.Check(t, got.status == http.StatusNotFound, "berbix: %+v", got)
	}
}

func TestParseInjection(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"hesabe=drop", "hesabe/any=drop", "hesabe/login=lose-reply*2", "tconnect=status:500", "tconnect=html:200*1", "berbix=rate-limit",
		"berbix=rate-limit:120", "hesabe=slow:5s", "hesabe=truncate", "hesabe=garbage", "hesabe=gzip-bomb", "hesabe=no-refresh-token",
		`hesabe=expires-in:"900"`,
	} {
		i, err := sandbox.ParseInjection(text)
		assert.Check(t, err == nil && strings.HasPrefix(text, string(i.Provider)), "%s: %+v, %v", text, i, err)
	}
	for _, text := range []string{
		"", "hesabe", "other=drop", "hesabe=", "hesabe=gone", "hesabe/read=drop", "hesabe=drop*0", "hesabe=drop*x", "hesabe=drop*",
		"hesabe=status", "hesabe=status:9", "hesabe=status:abc", "hesabe=html:", "hesabe=slow", "hesabe=slow:-1s", "hesabe=drop:1",
	} {
		_, err := sandbox.ParseInjection(text)
		assert.Check(t, err != nil, "%q is taken", text)
	}
	for _, name := range sandbox.FaultNames {
		text := "hesabe=" + strings.NewReplacer("CODE", "503", "[:RETRY-AFTER]", ":1", "DURATION", "1s", "JSON", "60").Replace(name)
		_, err := sandbox.ParseInjection(text)
		assert.Check(t, err == nil, "%s is listed: %v", name, err)
	}
}
