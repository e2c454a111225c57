package typed_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/moto"
	"tokenrefresh/internal/moto/deployed"
)

// The stacks of the documents.
const (
	stack  = "token-refresh"
	failed = "token-refresh-sandbox" // which deploy.md takes away
)

// answer is what a function says.
func answer(path string) (text string, fault bool) {
	_, provider, _ := strings.Cut(path, "-refresh-")
	provider, _, _ = strings.Cut(provider, "/")
	return fmt.Sprintf(`{"provider":%q,"version":"0.9.0","run_id":"r","outcomes":{"refreshed":1},
		"credentials":[{"account":"default","outcome":"refreshed"}]}`, provider), false
}

// secrets are what people and functions have put into a stack; its providers are nowhere.
var secrets = map[string]string{
	"hesabe/default/credentials": `{"username":"u","password":"p","base_url":"http://127.0.0.1:1"}`,
	"hesabe/default/tokens":      `{"refresh_token":"r"}`,
	"hesabe/default/access":      `{"access_token":"a"}`,
	"tconnect/default/credentials": `{"base_url":"http://127.0.0.1:1","partner_code":"c","username":"u","password":"p","client_id":"i",` +
		`"client_secret":"s","aes_key":"0123456789abcdef0123456789abcdef"}`,
	"berbix/default/credentials": `{"api_secret":"s","base_url":"http://127.0.0.1:1"}`,
}

// deploy deploys the template under a name, and lets it have been at work.
func deploy(t *testing.T, server *moto.Server, name string) {
	t.Helper()
	d := deployed.On(t, server, filepath.Join(root, "template.yaml"), map[string]string{
		"AWS::StackName": name, "SecretPrefix": name, "TablePrefix": name, "BerbixQueueConcurrency": "2",
	})
	for secret, text := range secrets {
		_, err := d.Secrets.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{
			SecretId: aws.String(name + "/" + secret), SecretString: &text,
		})
		assert.NilError(t, err)
	}
	queue, err := d.SQS.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &d.DeadLetters})
	assert.NilError(t, err)
	for range 2 {
		_, err := d.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String(`{"rekord":"nothing"}`)})
		assert.NilError(t, err)
	}
}

// missing skips a test whose program is not there, but fails where CI=true.
func missing(t *testing.T, what string) {
	t.Helper()
	assert.Assert(t, os.Getenv("CI") != "true", what)
	t.Skip(what)
}

// tokenctl builds the command.
func tokenctl(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokenctl")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/tokenctl")
	build.Dir = root
	said, err := build.CombinedOutput()
	assert.Assert(t, err == nil, "%v: %s", err, said)
	return path
}
