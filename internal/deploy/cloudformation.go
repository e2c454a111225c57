package deploy

import (
	"archive/zip"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/moto"
)

const version = "2010-05-15" // of CloudFormation's API

// Create creates a stack of a template without a transform and returns its outputs.
func Create(t testing.TB, aws *moto.Server, name, body string, parameters map[string]string) map[string]string {
	t.Helper()
	form := url.Values{
		"Action": {"CreateStack"}, "Version": {version}, "StackName": {name}, "TemplateBody": {body},
		"Capabilities.member.1": {"CAPABILITY_IAM"},
	}
	given := maps.Clone(parameters)
	delete(given, "AWS::StackName") // which AWS gives
	for i, key := range slices.Sorted(maps.Keys(given)) {
		member := "Parameters.member." + strconv.Itoa(i+1)
		form.Set(member+".ParameterKey", key)
		form.Set(member+".ParameterValue", parameters[key])
	}
	aws.Call(t, http.MethodPost, "/", "cloudformation", form.Encode())

	answer := aws.Call(t, http.MethodPost, "/", "cloudformation",
		url.Values{"Action": {"DescribeStacks"}, "Version": {version}, "StackName": {name}}.Encode())
	var described struct {
		Status  string `xml:"DescribeStacksResult>Stacks>member>StackStatus"`
		Outputs []struct {
			Key   string `xml:"OutputKey"`
			Value string `xml:"OutputValue"`
		} `xml:"DescribeStacksResult>Stacks>member>Outputs>member"`
	}
	assert.NilError(t, xml.Unmarshal(answer, &described))
	if described.Status != "CREATE_COMPLETE" {
		t.Fatalf("stack %s: %s\n%s", name, described.Status, answer)
	}
	outputs := map[string]string{}
	for _, o := range described.Outputs {
		outputs[o.Key] = o.Value
	}
	return outputs
}

// uploadCode puts a package where the translated template says the functions' code is.
func uploadCode(t testing.TB, aws *moto.Server) {
	t.Helper()
	var archive strings.Builder
	assert.NilError(t, zip.NewWriter(&archive).Close())
	aws.Call(t, http.MethodPut, "/bucket", "s3", "")
	aws.Call(t, http.MethodPut, "/bucket/key.zip", "s3", archive.String())
}

func getJSON(t testing.TB, aws *moto.Server, path, service string, to any) {
	t.Helper()
	assert.NilError(t, json.Unmarshal(aws.Call(t, http.MethodGet, path, service, ""), to))
}

// Python runs one of root/tools with the SAM CLI's code, the repository's own first, and returns what
// it prints.
func Python(root, tool string, args ...string) (string, error) {
	var mistakes []error
	for _, python := range []string{filepath.Join(root, ".venv", "sam", "bin", "python"), "python3"} {
		//nolint:noctx // the result may be every test's
		cmd := exec.Command(python, append([]string{filepath.Join(root, "tools", tool)}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_DEFAULT_REGION=eu-west-1")
		output, err := cmd.Output()
		if err == nil {
			return string(output), nil
		}
		mistakes = append(mistakes, fmt.Errorf("%s: %w", python, err))
	}
	return "", errors.Join(mistakes...)
}

// NeedPython ends a test that has no Python with the SAM CLI's code: it is skipped, but
// fails where CI=true.
func NeedPython(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skipf("no Python with the SAM CLI (make validate installs one): %v", err)
	}
}

var translated struct {
	once sync.Once
	body string
	err  error
}

// translate runs the Serverless transform over the template, once a test process.
func translate(t testing.TB, root string) string {
	t.Helper()
	translated.once.Do(func() {
		translated.body, translated.err = Python(root, "translate.py", filepath.Join(root, "template.yaml"))
	})
	NeedPython(t, translated.err)
	return translated.body
}
