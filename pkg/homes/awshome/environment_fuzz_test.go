package awshome_test

import (
	"net/url"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/homes/awshome"
)

// FuzzFromEnvironment: clients have exactly what the environment says, and an error
// shows none of it.
func FuzzFromEnvironment(f *testing.F) {
	const m = plant.Marker
	f.Add("eu-west-1", "key", m, m, "", "", "")
	f.Add("eu-west-1", "key", m, "", "http://127.0.0.1:4566", "", "true")
	f.Add("eu-west-1", "key", m, "", "http://127.0.0.1:4566", "https://secrets.example", "TRUE")
	f.Add("eu-west-1", "key", m, "", "", "", m)
	f.Add("", "", "", "", "", "", "")
	f.Add("eu-west-1", "key", m, "", "localhost:4566", "https://user:"+m+"@ h", "")
	f.Add("eu-west-1", "key", m, "", "ftp://"+m, "https://", "x")
	f.Fuzz(func(t *testing.T, region, id, key, session, endpoint, manager, fips string) {
		variables := map[string]string{
			"AWS_DEFAULT_REGION": region, "AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": key, "AWS_SESSION_TOKEN": session,
			"AWS_ENDPOINT_URL": endpoint, "AWS_ENDPOINT_URL_SECRETS_MANAGER": manager, "AWS_USE_FIPS_ENDPOINT": fips,
		}
		clients, err := awshome.FromEnvironment(getenv(variables), awshome.Tuning{})
		if err != nil {
			for name, value := range variables {
				variables[name] = value + plant.Marker
			}
			if _, err := awshome.FromEnvironment(getenv(variables), awshome.Tuning{}); plant.Shown(err) {
				t.Errorf("the error shows a value: %v", err)
			}
			return
		}
		options, dynamo := clients.SecretsManager.Options(), clients.DynamoDB.Options()
		got, err := options.Credentials.Retrieve(t.Context())
		if err != nil || got.AccessKeyID != id || got.SecretAccessKey != key || got.SessionToken != session || !got.HasKeys() {
			t.Errorf("credentials of %q, %v", got.AccessKeyID, err)
		}
		assert.Check(t, options.Region == region && dynamo.Region == region && region != "",
			"regions %q and %q", options.Region, dynamo.Region)
		if manager == "" {
			manager = endpoint
		}
		checkEndpoint(t, manager, options.BaseEndpoint)
		checkEndpoint(t, endpoint, dynamo.BaseEndpoint)
	})
}

func checkEndpoint(t *testing.T, want string, got *string) {
	t.Helper()
	if (got == nil) != (want == "") || got != nil && *got != want {
		t.Errorf("endpoint %v, want %q", got, want)
	}
	if u, err := url.Parse(want); want != "" && (err != nil || u.Host == "") {
		t.Errorf("an address without a host was taken: %q", want)
	}
}
