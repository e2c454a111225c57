package deploy_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/deploy"
	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/homes/awshome"
)

// local are the profiles for `sam local`.
var local = []string{"local", "local-arm64"}

// environments is what `sam local` gives each function, by profile, as the SAM CLI's own code
// resolves it. A variable of the same name in the shell would come before what is here.
// parameters are set in each profile.
func environments(t *testing.T, parameters ...string) map[string]map[string]map[string]string {
	t.Helper()
	output, err := deploy.Python("../..", "environments.py", append([]string{"../.."}, parameters...)...)
	deploy.NeedPython(t, err)
	var profiles map[string]map[string]map[string]string
	assert.NilError(t, json.Unmarshal([]byte(output), &profiles))
	for name, functions := range profiles {
		assert.Assert(t, len(functions) == len(catalog.All()), "profile %s has %d functions", name, len(functions))
	}
	return profiles
}

// named are the variables that name what a function reads and writes.
var named = []string{"SECRET_PREFIX", "LEDGER_TABLE", "TRANSACTIONS_TABLE", "METRICS_NAMESPACE", "SWEEP_QUEUE_URL"}

// A trial of a function on this machine must not reach the real AWS, nor anything that production
// calls its own.
func TestLocalProfilesReachNothingReal(t *testing.T) {
	t.Parallel()
	profiles := environments(t)
	for _, name := range local {
		for function, environment := range profiles[name] {
			endpoint, err := url.Parse(environment["AWS_ENDPOINT_URL"])
			if err != nil || endpoint.Hostname() != "host.docker.internal" {
				t.Errorf("%s: %s talks to the AWS at %q", name, function, environment["AWS_ENDPOINT_URL"])
			}
			if region := environment["AWS_REGION"]; region != "us-east-1" {
				t.Errorf("%s: %s is in %s, and tokenctl sandbox in us-east-1", name, function, region)
			}
			if environment["PROVIDER_ENVIRONMENT"] != "sandbox" {
				t.Errorf("%s: %s calls the providers' %q", name, function, environment["PROVIDER_ENVIRONMENT"])
			}
			production := profiles["production"][function]
			for variable, value := range environment {
				assert.Check(t, !strings.Contains(value, "amazonaws"),
					"%s: %s has %s=%s", name, function, variable, value)
				if slices.Contains(named, variable) && value != "" && value == production[variable] {
					t.Errorf("%s: %s has production's %s=%s", name, function, variable, value)
				}
			}
		}
	}
	assert.Check(t, profiles["production"]["RefreshHesabe"]["SECRET_PREFIX"] == "token-refresh",
		"production was not looked at")
}

// The SAM CLI takes a reference to a queue for its logical id.
func TestLocalProfilesNameTheEmulatedQueue(t *testing.T) {
	t.Parallel()
	profiles := environments(t, "BerbixQueueConcurrency=2")
	for _, name := range local {
		want := "http://host.docker.internal:5000/123456789012/local-berbix"
		assert.Check(t, is.Equal(profiles[name]["RefreshBerbix"]["SWEEP_QUEUE_URL"], want), "%s: the queue", name)
	}
}

// A profile that a function refuses would show itself to people alone. The others than the
// local ones name no endpoint, which is AWS's own, and differ from production where they are
// not production.
func TestEachProfileSuitsItsFunctions(t *testing.T) {
	t.Parallel()
	profiles := environments(t)
	for _, name := range slices.Sorted(maps.Keys(profiles)) {
		for function, environment := range profiles[name] {
			getenv := func(name string) string { return environment[name] }
			parse := config.ForRefresh
			if environment["TRANSACTIONS_TABLE"] != "" {
				parse = config.ForSweep
			}
			_, err := parse(getenv)
			assert.Check(t, err == nil, "%s: %s refuses its environment: %v", name, function, err)
			value, set := environment["AWS_ENDPOINT_URL"]
			isLocal := slices.Contains(local, name)
			assert.Check(t, set && (value != "") == isLocal, "%s: %s talks to the AWS at %q", name, function, value)
			_, err = awshome.FromEnvironment(getenv, awshome.Tuning{})
			assert.Check(t, (err == nil) == isLocal, "%s: under sam local %s answers %v", name, function, err)
			delete(environment, "AWS_SAM_LOCAL") // which Lambda does not set
			_, err = awshome.FromEnvironment(getenv, awshome.Tuning{})
			assert.Check(t, err == nil, "%s: %s refuses its environment: %v", name, function, err)
			if name != "production" && environment["SECRET_PREFIX"] == profiles["production"][function]["SECRET_PREFIX"] {
				t.Errorf("%s: %s has production's secrets", name, function)
			}
		}
	}
	for _, name := range local {
		assert.Check(t, profiles[name] != nil, "there is no profile %s", name)
	}
}
