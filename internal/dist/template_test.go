package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/deploy"
	"tokenrefresh/internal/moto"
	"tokenrefresh/internal/operator/catalog"
)

// A release's template deploys the packages of the same release, for either processor, with no
// other tool than CloudFormation.
func TestTemplateDeploysPackages(t *testing.T) {
	t.Parallel()
	d := dist{python: "../../.venv/sam/bin/python", env: os.Environ()}
	const version = "1.2.3-dev.0123456789ab"
	text, err := d.run(t.Context(), []string{"AWS_DEFAULT_REGION=eu-west-1"}, d.python, "../../tools/translate.py", "../../template.yaml", version)
	deploy.NeedPython(t, err)
	files := map[string][]byte{}
	for _, p := range programs() {
		files[p.name(version)+p.suffix()], err = p.archive(fstest.MapFS{p.binary(): file([]byte(p.name(version)), 0o755)})
		assert.NilError(t, err)
	}
	deployed(t, string(text), files, version)

	// A stack can go from `sam deploy` to a release: only the code is elsewhere.
	own, err := d.run(t.Context(), []string{"AWS_DEFAULT_REGION=eu-west-1"}, d.python, "../../tools/translate.py", "../../template.yaml")
	assert.NilError(t, err)
	assert.Check(t, is.DeepEqual(resources(t, text), resources(t, own)), "resources (-of sam deploy +of a release)")

	// Nothing of the translator's region stays in it: one template is for all.
	chinese, err := d.run(t.Context(), []string{"AWS_DEFAULT_REGION=cn-north-1"}, d.python, "../../tools/translate.py", "../../template.yaml", version)
	assert.Check(t, err == nil && bytes.Equal(chinese, text), "the template is another one in China: %v", err)
}

// resources are a template's, without the functions' code and how SAM builds it.
func resources(t *testing.T, text []byte) map[string]map[string]any {
	t.Helper()
	var template struct{ Resources map[string]map[string]any }
	err := json.Unmarshal(text, &template)
	assert.Assert(t, err == nil && len(template.Resources) >= 50, "%d resources: %v", len(template.Resources), err)
	for _, r := range template.Resources {
		delete(r, "Metadata")
		if properties, ok := r["Properties"].(map[string]any); ok && r["Type"] == "AWS::Lambda::Function" {
			delete(properties, "Code")
		}
	}
	return template.Resources
}

// deployed deploys a template with the packages of a release in an emulated S3, and checks that
// each function runs its own.
func deployed(t *testing.T, text string, files map[string][]byte, version string) {
	t.Helper()
	var template map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &template); err != nil || template["Transform"] != nil || template["Globals"] != nil {
		t.Fatalf("it is no plain template: %v", err)
	}
	aws := moto.Start(t)
	bucket := moto.NewName("bucket")
	aws.Call(t, http.MethodPut, "/"+bucket, "s3", "")
	for name, file := range files {
		if strings.HasPrefix(name, "refresh-") && strings.HasSuffix(name, ".zip") {
			aws.Call(t, http.MethodPut, "/"+bucket+"/some/where/"+name, "s3", string(file))
		}
	}
	for _, arch := range []string{"amd64", "arm64"} {
		stack := moto.NewName("stack")
		lambdas := strings.Replace(arch, "amd64", "x86_64", 1)
		deploy.Create(t, aws, stack, text, map[string]string{
			"CodeBucket": bucket, "CodePrefix": "some/where/", "Architecture": lambdas, "OAuth2Accounts": "a",
			"SecretPrefix": stack, "TablePrefix": stack,
		})
		for _, entry := range catalog.All() {
			p := program{function: entry.Name, os: "linux", arch: arch}
			var function struct{ CodeSha256 string } // the emulation passes over the architecture
			path := "/2015-03-31/functions/" + stack + "-refresh-" + entry.Name + "/configuration"
			assert.NilError(t, json.Unmarshal(aws.Call(t, http.MethodGet, path, "lambda", ""), &function))
			sum := sha256.Sum256(files[p.name(version)+p.suffix()])
			assert.Check(t, function.CodeSha256 == base64.StdEncoding.EncodeToString(sum[:]),
				"%s on %s runs another package", entry.Name, lambdas)
		}
	}
}
