package e2e_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/deploy"
	"tokenrefresh/internal/sandbox"
)

// defaultAccount is the one whose secrets the template makes.
const defaultAccount = "default"

// credential is an account with a provider that no other test talks to: what the
// provider has seen came from this credential.
type credential struct {
	*world
	provider  sandbox.Provider
	account   string
	sandbox   *sandbox.Sandbox
	logicalID string
	deployed  deploy.Function
	heard     heard
}

// credential makes the secrets of an account as "tokenctl seed" does, unless they are
// those of the template. In the end nothing that was said may hold a secret.
func (w *world) credential(t *testing.T, p sandbox.Provider, account string, o sandbox.Options) *credential {
	t.Helper()
	providers, err := sandbox.Start(o)
	assert.NilError(t, err)
	t.Cleanup(providers.Close)
	id := w.logicalID(t, p)
	c := &credential{
		world: w, provider: p, account: account, sandbox: providers,
		logicalID: id, deployed: w.stack.Function(t, id),
	}
	if account != defaultAccount {
		w.aws.CreateSecrets(t, c.deployed.Environment["SECRET_PREFIX"], string(p), account)
	}
	t.Cleanup(func() { c.heard.checkLast(t, providers.Secrets()) })
	return c
}

// seed puts the provider's credentials into the secret, as a person does. edits
// replace fields; nil takes one out.
func (c *credential) seed(t *testing.T, edits map[string]any) {
	t.Helper()
	var fields map[string]any
	assert.NilError(t, json.Unmarshal([]byte(c.sandbox.Credentials(c.provider)), &fields))
	maps.Copy(fields, edits)
	maps.DeleteFunc(fields, func(_ string, value any) bool { return value == nil })
	text, err := json.Marshal(fields)
	assert.NilError(t, err)
	c.edit(t, "credentials", string(text))
}

// edit gives a document a new value, as a person does.
func (c *credential) edit(t *testing.T, document, value string) {
	t.Helper()
	_, err := c.aws.Edit(t.Context(), c.secret(document), value)
	assert.NilError(t, err)
}

func (c *credential) secret(document string) string {
	return c.deployed.Environment["SECRET_PREFIX"] + "/" + string(c.provider) + "/" + c.account + "/" + document
}

// version is the current version of a document.
type version struct {
	id     string
	fields map[string]string
}

func (c *credential) current(t *testing.T, document string) version {
	t.Helper()
	out, err := c.aws.SecretsManager.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{
		SecretId: aws.String(c.secret(document)), VersionStage: aws.String("AWSCURRENT"),
	})
	assert.Assert(t, err == nil, "%s: %v", document, err)
	var all map[string]any
	err = json.Unmarshal([]byte(*out.SecretString), &all)
	assert.Assert(t, err == nil, "%s is not an object: %v", document, err)
	v := version{id: *out.VersionId, fields: map[string]string{}}
	for name, value := range all {
		if text, ok := value.(string); ok {
			v.fields[name] = text
		}
	}
	return v
}

// labelled is the version of a document that has a label; empty: none.
func (c *credential) labelled(t *testing.T, document, label string) string {
	t.Helper()
	name := c.secret(document)
	described, err := c.aws.SecretsManager.DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: &name})
	assert.NilError(t, err)
	var found string
	for id, labels := range described.VersionIdsToStages {
		if slices.Contains(labels, label) {
			assert.Assert(t, found == "", "%s: %s is on two versions", document, label)
			found = id
		}
	}
	return found
}

// checkLive checks what readers get: a token that the provider takes, of the chain
// as it is stored, and nothing else.
func (c *credential) checkLive(t *testing.T) {
	t.Helper()
	tokens, access := c.current(t, "tokens"), c.current(t, "access")
	want := []string{"access_expires_at", "access_token", "attempt_id", "refresh_at", "token_type"}
	assert.Check(t, is.DeepEqual(slices.Sorted(maps.Keys(access.fields)), want), "keys of access")
	assert.Check(t, c.sandbox.Valid(c.provider, access.fields["access_token"]),
		"the provider would not accept the published access token")
	assert.Check(t, access.fields["access_token"] == tokens.fields["access_token"],
		"access is not of the chain in tokens")
	for name, id := range map[string]string{
		"attempt_id in tokens": tokens.fields["attempt_id"],
		"attempt_id in access": access.fields["attempt_id"],
		"version of access":    access.id,
	} {
		assert.Check(t, id == tokens.id, "%s is %s, the version of tokens %s", name, id, tokens.id)
	}
}

// checkSound checks what must hold at any time: no refresh token was presented twice,
// and nothing that was said holds a secret.
func (c *credential) checkSound(t *testing.T) {
	t.Helper()
	c.heard.check(t, c.sandbox.Secrets())
	if c.provider == sandbox.Berbix {
		return // its refresh tokens are for many refreshes
	}
	stats := c.sandbox.Stats(c.provider)
	if stats.Replays != 0 || stats.Repeated != 0 || stats.MaxSameInFlight > 1 {
		t.Errorf("%s saw a refresh token twice: %d replays, %d repeated, %d at once",
			c.provider, stats.Replays, stats.Repeated, stats.MaxSameInFlight)
	}
}

// calls is how often the provider was called.
func (c *credential) calls() (logins, refreshes int) {
	stats := c.sandbox.Stats(c.provider)
	return stats.Logins, stats.Refreshes
}
