package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/moto"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// sandboxed starts the providers as a process, and returns what it has set up.
func sandboxed(t *testing.T, args ...string) (*process, playReport) {
	t.Helper()
	p := (&world{}).start(t, nil, append([]string{"sandbox", "--json"}, args...)...)
	p.await(t, `"providers"`)
	var report playReport
	for line := range strings.Lines(p.said.text()) {
		if strings.HasPrefix(line, "{") {
			must(t, json.Unmarshal([]byte(line), &report))
		}
	}
	return p, report
}

// The commands of a newcomer: the providers, and a refresh of each with their credentials.
func TestSandboxFeedsAStateFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "sandbox")
	for start := range 2 { // the second has new credentials
		p, report := sandboxed(t, "--dir", dir)
		assert.Assert(t, report.State == filepath.Join(dir, "state.db") && report.CA == "", "set up: %+v", report)
		flags := []string{"--home", "embedded", "--state", report.State}
		for _, provider := range []string{"hesabe", "tconnect"} {
			tokenctl(t, "", append([]string{"refresh", "--provider", provider}, flags...)...).want(t, exitDone, "logged_in")
		}
		if start == 0 {
			tokenctl(t, "", append([]string{"refresh", "--provider", "berbix"}, flags...)...).want(t, exitDone, "refreshed", "3")
			tokenctl(t, "", append([]string{"status"}, flags...)...).want(t, exitDone, "hesabe", "tconnect", "berbix")
		}
		for _, command := range report.commands() {
			_, line, _ := strings.Cut(command, quoted(os.Args[0])+" ")
			usage{"sandbox", strings.Fields(line), true}.check(t)
		}
		p.signal(t, os.Interrupt)
		p.ended(t, exitDone, 0)
	}
}

func TestSandboxPlaysFaultsAndLives(t *testing.T) {
	t.Parallel()
	_, report := sandboxed(t, "--dir", t.TempDir(), "--fault", "hesabe=status:503", "--life", "tconnect=1h/2h", "--transactions", "0")
	flags := []string{"--home", "embedded", "--state", report.State}
	tokenctl(t, "", append([]string{"refresh", "--provider", "hesabe"}, flags...)...).want(t, exitFailed, "transient", "503")
	tokenctl(t, "", append([]string{"refresh", "--provider", "tconnect"}, flags...)...).want(t, exitDone, "logged_in")
	tokenctl(t, "", append([]string{"status", "--provider", "tconnect"}, flags...)...).want(t, exitDone, "59m")
}

// A sandbox's credentials never replace real ones.
func TestSandboxRefusesAHomeThatIsInUse(t *testing.T) {
	t.Parallel()
	for name, credentials := range map[string]string{
		"the provider's own address": `{"username":"u","password":"p"}`,
		"merchant.example":           `{"username":"u","password":"p","base_url":"https://merchant.example"}`,
	} {
		w := embeddedWorld(t)
		key := store.Key{Provider: "hesabe", Account: "default"}
		must(t, w.Editor.CreateSecret(t.Context(), key, store.Credentials))
		id, err := w.Editor.PutCurrent(t.Context(), key, store.Credentials, secret.New(credentials))
		must(t, err)
		tokenctl(t, "", "sandbox", "--dir", t.TempDir(), "--state", w.flags[3]).want(t, exitFailed, "nothing was written", name)
		now, err := w.Secrets.CurrentID(t.Context(), key, store.Credentials)
		assert.Check(t, now == id && err == nil, "%s: the credentials were replaced, or %v", name, err)
	}
}

// A second sandbox would replace the first, whose tokens could no longer be refreshed.
func TestSandboxRefusesTheFolderOfAnother(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, report := sandboxed(t, "--dir", dir)
	tokenctl(t, "", "sandbox", "--dir", dir).want(t, exitFailed, "another sandbox serves hesabe at "+report.Providers["hesabe"], "--dir")
}

func TestSandboxFurnishesAnEmulatedAWS(t *testing.T) {
	aws := moto.Start(t)
	for _, variable := range aws.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("LEDGER_TABLE", "") // names of production must not be used
	t.Setenv("SECRET_PREFIX", "")
	dir := t.TempDir()
	_, report := sandboxed(t, "--dir", dir, "--tls", "--host", "localhost", "--listen", "127.0.0.1", "--aws", aws.URL,
		"--template", "../../template.yaml")
	if report.AWS == nil || report.AWS.SecretPrefix != sandboxPrefix || report.CA != filepath.Join(dir, "ca.pem") || report.State != "" {
		t.Fatalf("set up: %+v", report)
	}
	// The local profiles name this region, whatever AWS_REGION is.
	assert.Check(t, report.AWS.Region == "us-east-1", "the region is %s", report.AWS.Region)
	t.Setenv("AWS_REGION", report.AWS.Region)
	there := func(o *sqs.Options) { o.Region = report.AWS.Region }
	queue, err := aws.SQS.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: new("local-berbix")}, there)
	assert.Check(t, err == nil, "the queue of the local profiles: %v, %v", queue, err)
	w := &world{flags: []string{"--home", "aws", "--secret-prefix", sandboxPrefix, "--table-prefix", sandboxPrefix}}
	for provider, outcome := range map[string]string{"hesabe": "logged_in", "tconnect": "logged_in", "berbix": "refreshed"} {
		p := w.start(t, []string{"SSL_CERT_FILE=" + report.CA}, "refresh", "--provider", provider)
		p.ended(t, exitDone, 0)
		assert.Check(t, strings.Contains(p.said.text(), outcome), "%s:\n%s", provider, p.said.text())
	}
}

func TestSandboxRefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"a life":           {[]string{"--life", "hesabe=soon"}, exitUsage, "--life"},
		"a fault":          {[]string{"--fault", "hesabe=gone"}, exitUsage, "gzip-bomb"},
		"a provider":       {[]string{"--fault", "other=drop"}, exitUsage, "no provider"},
		"transactions":     {[]string{"--transactions", "-1"}, exitUsage, "--transactions"},
		"no address":       {[]string{"--aws", "localhost:5000"}, exitUsage, "--aws"},
		"the real AWS":     {[]string{"--aws", "https://dynamodb.eu-west-1.amazonaws.com"}, exitUsage, "the real one"},
		"the newer names":  {[]string{"--aws", "https://secretsmanager.eu-west-1.api.aws"}, exitUsage, "the real one"},
		"no template":      {[]string{"--aws", "http://127.0.0.1:1", "--template", "none.yaml"}, exitFailed, "--template"},
		"nobody listening": {[]string{"--aws", "http://127.0.0.1:1", "--template", "../../template.yaml"}, exitFailed, "http://127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tokenctl(t, "", append([]string{"sandbox", "--dir", dir}, c.args...)...).want(t, c.code, c.says)
		})
	}
}
