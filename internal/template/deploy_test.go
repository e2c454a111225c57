package template_test

import (
	"archive/zip"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"tokenrefresh/internal/moto"
	"tokenrefresh/internal/template"
)

// The real transform and an emulated CloudFormation must agree with what the other
// tests take the template for. The emulation knows no secrets, alarms or schedules.
func TestDeploysToAnEmulatedAWS(t *testing.T) {
	t.Parallel()
	aws := moto.Start(t)
	translated := translate(t)
	uploadCode(t, aws)
	for name, parameters := range variants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parameters := maps.Clone(parameters)
			if parameters == nil {
				parameters = map[string]string{}
			}
			stackName := moto.NewName("stack") // no test shares a name
			parameters["TablePrefix"] = stackName
			want, err := load(t).Stack(parameters)
			if err != nil {
				t.Fatal(err)
			}
			createStack(t, aws, stackName, translated, parameters)
			for _, id := range want.Of(tableType) {
				name := template.Get[string](want.Resources[id].Properties, "TableName")
				if _, err := aws.DynamoDB.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}); err != nil {
					t.Error(err)
				}
			}
			for _, function := range want.Of(template.Function) {
				name := stackName + "-refresh-" + template.Provider(function)
				if diff := cmp.Diff(want.Environment(function), environment(t, aws, name)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// translate runs the Serverless transform over the template.
func translate(t *testing.T) string {
	t.Helper()
	var why []string
	for _, python := range []string{"../../.venv/sam/bin/python", "python3"} {
		cmd := exec.CommandContext(t.Context(), python, "../../tools/translate.py", path)
		cmd.Env = append(os.Environ(), "AWS_DEFAULT_REGION=eu-west-1")
		output, err := cmd.Output()
		if err == nil {
			return string(output)
		}
		why = append(why, python+": "+err.Error())
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skipf("no Python with the SAM translator (make validate installs one): %v", why)
	return ""
}

// uploadCode puts a package where the translated template says the functions' is.
func uploadCode(t *testing.T, aws *moto.Server) {
	t.Helper()
	var archive strings.Builder
	if err := zip.NewWriter(&archive).Close(); err != nil {
		t.Fatal(err)
	}
	call(t, aws, http.MethodPut, "/bucket", "us-east-1/s3", "")
	call(t, aws, http.MethodPut, "/bucket/key.zip", "us-east-1/s3", archive.String())
}

func createStack(t *testing.T, aws *moto.Server, name, body string, parameters map[string]string) {
	t.Helper()
	form := url.Values{
		"Action": {"CreateStack"}, "Version": {"2010-05-15"}, "StackName": {name}, "TemplateBody": {body},
		"Capabilities.member.1": {"CAPABILITY_IAM"},
	}
	for i, key := range slices.Sorted(maps.Keys(parameters)) {
		member := "Parameters.member." + strconv.Itoa(i+1)
		form.Set(member+".ParameterKey", key)
		form.Set(member+".ParameterValue", parameters[key])
	}
	call(t, aws, http.MethodPost, "/", "eu-west-1/cloudformation", form.Encode())
	form = url.Values{"Action": {"DescribeStacks"}, "Version": {"2010-05-15"}, "StackName": {name}}
	if answer := call(t, aws, http.MethodPost, "/", "eu-west-1/cloudformation", form.Encode()); !strings.Contains(answer, "CREATE_COMPLETE") {
		t.Fatal(answer)
	}
}

// environment is what a deployed function runs with.
func environment(t *testing.T, aws *moto.Server, function string) map[string]string {
	t.Helper()
	var configuration struct {
		Environment struct{ Variables map[string]string }
	}
	answer := call(t, aws, http.MethodGet, "/2015-03-31/functions/"+function+"/configuration", "eu-west-1/lambda", "")
	if err := json.Unmarshal([]byte(answer), &configuration); err != nil {
		t.Fatal(err)
	}
	return configuration.Environment.Variables
}

// call speaks to a service ("<region>/<name>") that the module has no SDK for.
func call(t *testing.T, aws *moto.Server, method, path, service, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, aws.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=testing/20260101/"+service+"/aws4_request")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s\n%s", service, response.Status, answer)
	}
	return string(answer)
}
