package awshome_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/homes/awshome"
)

func getenv(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

// with returns a function's environment with other variables.
func with(others map[string]string) func(string) string {
	variables := map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": planted, "AWS_SESSION_TOKEN": "session",
	}
	for name, value := range others {
		variables[name] = value
	}
	return getenv(variables)
}

func TestFromEnvironment(t *testing.T) {
	t.Parallel()
	for title, tt := range map[string]struct {
		others                              map[string]string
		secretsManager, dynamo, sqs, events string // "": AWS's own
	}{
		"AWS": {nil, "", "", "", "https://events.eu-west-1.amazonaws.com"},
		"one endpoint": {
			map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
			"http://127.0.0.1:4566", "http://127.0.0.1:4566", "http://127.0.0.1:4566", "http://127.0.0.1:4566",
		},
		"an endpoint each": {
			map[string]string{
				"AWS_ENDPOINT_URL":                 "http://127.0.0.1:4566",
				"AWS_ENDPOINT_URL_SECRETS_MANAGER": "https://secrets.example",
				"AWS_ENDPOINT_URL_DYNAMODB":        "https://dynamo.example:8000",
				"AWS_ENDPOINT_URL_SQS":             "https://queues.example",
				"AWS_ENDPOINT_URL_EVENTBRIDGE":     "https://events.example",
			}, "https://secrets.example", "https://dynamo.example:8000", "https://queues.example", "https://events.example",
		},
		"region by its other name": {
			map[string]string{"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-1"}, "", "", "", "https://events.eu-west-1.amazonaws.com",
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			clients, err := awshome.FromEnvironment(with(tt.others), awshome.Tuning{})
			assert.NilError(t, err)
			manager, dynamo := clients.SecretsManager.Options(), clients.DynamoDB.Options()
			want := []string{tt.secretsManager, tt.dynamo, tt.sqs, tt.events}
			got := []string{
				aws.ToString(manager.BaseEndpoint), aws.ToString(dynamo.BaseEndpoint), aws.ToString(clients.SQS.BaseEndpoint),
				clients.EventBridge.Endpoint,
			}
			assert.Check(t, is.DeepEqual(got, want), "endpoints")
			credentials, err := manager.Credentials.Retrieve(t.Context())
			if err != nil || credentials.AccessKeyID != "key" || credentials.SecretAccessKey != planted || credentials.SessionToken != "session" {
				t.Errorf("credentials of %q, %v", credentials.AccessKeyID, err)
			}
			if manager.Region != "eu-west-1" || dynamo.Region != "eu-west-1" || clients.EventBridge.Region != "eu-west-1" {
				t.Errorf("regions %q, %q and %q", manager.Region, dynamo.Region, clients.EventBridge.Region)
			}
		})
	}
}

// The template sets AWS_ENDPOINT_URL to an empty text unless AWS is emulated. Neither this package
// nor the SDK, which reads the process's environment by itself, may take it for an address.
//
//nolint:paralleltest // the SDK looks at the environment of the process
func TestAnEmptyEndpointIsAWS(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": "", "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": planted,
	} {
		t.Setenv(name, value)
	}
	clients, err := awshome.FromEnvironment(os.Getenv, awshome.Tuning{})
	assert.NilError(t, err)
	called := hosts(t, clients)
	want := []string{"secretsmanager.eu-west-1.amazonaws.com", "dynamodb.eu-west-1.amazonaws.com", "sqs.eu-west-1.amazonaws.com"}
	assert.Check(t, is.DeepEqual(called, want), "called")
}

// doer is an HTTP client.
type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

func TestFromEnvironmentTellsAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	noPEM := filepath.Join(t.TempDir(), "bundle.pem")
	assert.NilError(t, os.WriteFile(noPEM, []byte("nothing"), 0o600))
	for title, tt := range map[string]struct {
		getenv func(string) string
		says   []string
	}{
		"nothing set": {getenv(nil), []string{
			"AWS_REGION or AWS_DEFAULT_REGION is not set", "AWS_ACCESS_KEY_ID is not set", "AWS_SECRET_ACCESS_KEY is not set",
		}},
		"bad addresses": {
			with(map[string]string{
				"AWS_ENDPOINT_URL_SECRETS_MANAGER": "localhost:4566", "AWS_ENDPOINT_URL_DYNAMODB": "https://user:" + planted + "@ h",
				"AWS_ENDPOINT_URL_SQS": "queues",
			}),
			[]string{"AWS_ENDPOINT_URL_SECRETS_MANAGER is not", "AWS_ENDPOINT_URL_DYNAMODB is not", "AWS_ENDPOINT_URL_SQS is not"},
		},
		"bad flags": {
			with(map[string]string{"AWS_USE_FIPS_ENDPOINT": planted, "AWS_USE_DUALSTACK_ENDPOINT": "1"}),
			[]string{"AWS_USE_FIPS_ENDPOINT is neither true nor false", "AWS_USE_DUALSTACK_ENDPOINT is neither true nor false"},
		},
		"no bundle":    {with(map[string]string{"AWS_CA_BUNDLE": noPEM + ".missing"}), []string{"AWS_CA_BUNDLE", "no such file"}},
		"empty bundle": {with(map[string]string{"AWS_CA_BUNDLE": noPEM}), []string{"AWS_CA_BUNDLE: no certificate"}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			_, err := awshome.FromEnvironment(tt.getenv, awshome.Tuning{})
			wantSays(t, title, err, tt.says...)
		})
	}
}

// A person who tries a function on their machine has credentials of the real AWS.
func TestSamLocalReachesNoRealAWS(t *testing.T) {
	t.Parallel()
	const all, manager, dynamo = "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL_DYNAMODB"
	const queues, events = "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_EVENTBRIDGE"
	for title, tt := range map[string]struct {
		local     string
		endpoints []string
		refused   bool
	}{
		"no endpoint":         {"true", nil, true},
		"one service of four": {"true", []string{dynamo}, true},
		"all but one":         {"true", []string{dynamo, manager, events}, true},
		"each by its own":     {"true", []string{dynamo, manager, events, queues}, false},
		"emulated":            {"true", []string{all}, false},
		"in Lambda":           {"", nil, false},
		"AWS_SAM_LOCAL no":    {"false", nil, false},
	} {
		variables := map[string]string{"AWS_SAM_LOCAL": tt.local, all: ""}
		for _, name := range tt.endpoints {
			variables[name] = "http://host.docker.internal:5000"
		}
		_, err := awshome.FromEnvironment(with(variables), awshome.Tuning{})
		assert.Check(t, (err != nil) == tt.refused, "%s: %v", title, err)
		if err != nil && !strings.Contains(err.Error(), "--config-env local") {
			t.Errorf("%s: %q does not say what to do", title, err)
		}
	}
}

// The address of each service, in every partition and in every variant. Secrets Manager's usual
// address has IPv6 already.
func TestOwnEndpoints(t *testing.T) {
	t.Parallel()
	const fips, dual = "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"
	each := func(ending string) (addresses []string) {
		for _, service := range []string{"secretsmanager", "dynamodb", "sqs", "events"} {
			addresses = append(addresses, service+ending)
		}
		return addresses
	}
	for _, tt := range []struct {
		region string
		flags  []string
		want   []string // Secrets Manager, DynamoDB, SQS, EventBridge; "": there is none
	}{
		{"eu-west-1", nil, each(".eu-west-1.amazonaws.com")},
		{"us-east-1", []string{fips}, each("-fips.us-east-1.amazonaws.com")},
		{"eu-west-1", []string{dual}, []string{
			"secretsmanager.eu-west-1.amazonaws.com", "dynamodb.eu-west-1.api.aws", "sqs.eu-west-1.api.aws", "events.eu-west-1.api.aws",
		}},
		{"us-east-1", []string{fips, dual}, []string{
			"secretsmanager-fips.us-east-1.amazonaws.com", "dynamodb-fips.us-east-1.api.aws", "sqs-fips.us-east-1.api.aws",
			"events-fips.us-east-1.api.aws",
		}},
		{"us-gov-west-1", []string{fips}, []string{
			"secretsmanager-fips.us-gov-west-1.amazonaws.com", "dynamodb.us-gov-west-1.amazonaws.com", "sqs.us-gov-west-1.amazonaws.com",
			"events.us-gov-west-1.amazonaws.com",
		}},
		{"cn-north-1", nil, each(".cn-north-1.amazonaws.com.cn")},
		{"cn-north-1", []string{dual}, []string{
			"secretsmanager.cn-north-1.amazonaws.com.cn", "dynamodb.cn-north-1.api.amazonwebservices.com.cn",
			"sqs.cn-north-1.api.amazonwebservices.com.cn", "events.cn-north-1.api.amazonwebservices.com.cn",
		}},
		{"eusc-de-east-1", nil, each(".eusc-de-east-1.amazonaws.eu")},
		{"us-iso-east-1", nil, each(".us-iso-east-1.c2s.ic.gov")},
		{"us-isob-east-1", nil, each(".us-isob-east-1.sc2s.sgov.gov")},
		{"eu-isoe-west-1", nil, each(".eu-isoe-west-1.cloud.adc-e.uk")},
	} {
		variables := map[string]string{"AWS_REGION": tt.region}
		for _, name := range tt.flags {
			variables[name] = "True"
		}
		clients, err := awshome.FromEnvironment(with(variables), awshome.Tuning{})
		assert.NilError(t, err)
		_, bus, _ := strings.Cut(clients.EventBridge.Endpoint, "https://")
		assert.Check(t, is.DeepEqual(append(hosts(t, clients), bus), tt.want), "%s %v", tt.region, tt.flags)
	}
}

// hosts are those that the SDK's clients call.
func hosts(t *testing.T, clients *awshome.Clients) []string {
	t.Helper()
	var called []string
	see := aws.HTTPClient(doer(func(r *http.Request) (*http.Response, error) {
		called = append(called, r.URL.Host)
		return nil, io.ErrUnexpectedEOF
	}))
	secret, key := "s", map[string]types.AttributeValue{"k": &types.AttributeValueMemberS{Value: "v"}}
	_, _ = clients.SecretsManager.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &secret},
		func(o *secretsmanager.Options) { o.HTTPClient, o.Retryer = see, aws.NopRetryer{} })
	_, _ = clients.DynamoDB.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("table"), Key: key},
		func(o *dynamodb.Options) { o.HTTPClient, o.Retryer = see, aws.NopRetryer{} })
	_, _ = sqs.NewFromConfig(clients.SQS).ListQueues(t.Context(), &sqs.ListQueuesInput{},
		func(o *sqs.Options) { o.HTTPClient, o.Retryer = see, aws.NopRetryer{} })
	return called
}
