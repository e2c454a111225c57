// Package deploy puts template.yaml, as it stands, into the emulated AWS of a test: through the real
// Serverless transform and through CloudFormation. Secrets, which the emulated CloudFormation passes
// over, are made from the template as internal/template reads it.
package deploy

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/emulate"
	"tokenrefresh/internal/moto"
	"tokenrefresh/internal/template"
)

// Stack is a deployed stack.
type Stack struct {
	Name string
	// Outputs are as CloudFormation answers them.
	Outputs map[string]string
	// Template is what the stack should consist of.
	Template *template.Stack

	aws *moto.Server
}

// Start deploys root/template.yaml under a name that no other test has, which also is
// the prefix of its tables and secrets unless parameters say otherwise.
func Start(t testing.TB, aws *moto.Server, root string, parameters map[string]string) *Stack {
	t.Helper()
	name := moto.NewName("stack")
	all := map[string]string{"SecretPrefix": name, "TablePrefix": name}
	maps.Copy(all, parameters)
	return Named(t, aws, root, name, all)
}

// Named deploys root/template.yaml under a name. Where there is no SAM translator the test is
// skipped, but fails where CI=true.
func Named(t testing.TB, aws *moto.Server, root, name string, parameters map[string]string) *Stack {
	t.Helper()
	body := translate(t, root)
	uploadCode(t, aws)
	loaded, err := template.Load(filepath.Join(root, "template.yaml"))
	assert.NilError(t, err)
	s := &Stack{Name: name, aws: aws, Outputs: Create(t, aws, name, body, parameters)}
	all := map[string]string{"AWS::StackName": name}
	maps.Copy(all, parameters)
	s.Template, err = loaded.Stack(all)
	assert.NilError(t, err)
	// The emulated CloudFormation doesn't know secrets.
	assert.NilError(t, emulate.Secrets(t.Context(), aws.SecretsManager, s.Template))
	if aws.OwnTables() {
		_, err := emulate.Tables(t.Context(), aws.DynamoDB, s.Template)
		assert.NilError(t, err)
	}
	return s
}

// Function is a deployed function's configuration.
type Function struct {
	Name        string
	MemoryMB    int
	Timeout     time.Duration
	Environment map[string]string
}

// Function asks Lambda for the configuration of the function whose ARN is the output
// of that name.
func (s *Stack) Function(t testing.TB, output string) Function {
	t.Helper()
	arn := s.Outputs[output]
	name := arn[strings.LastIndex(arn, ":")+1:]
	var c struct {
		FunctionName        string
		MemorySize, Timeout json.Number // as numbers or, where they come from a parameter, as text
		Environment         struct{ Variables map[string]string }
	}
	getJSON(t, s.aws, "/2015-03-31/functions/"+name+"/configuration", "lambda", &c)
	if c.FunctionName != name || len(c.Environment.Variables) == 0 {
		t.Fatalf("output %s (%s): no such function is deployed", output, arn)
	}
	memory, memoryErr := c.MemorySize.Int64()
	seconds, secondsErr := c.Timeout.Int64()
	if err := errors.Join(memoryErr, secondsErr); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return Function{
		Name: name, MemoryMB: int(memory), Timeout: time.Duration(seconds) * time.Second,
		Environment: c.Environment.Variables,
	}
}

// mappings is where Lambda keeps what takes messages out of queues.
const mappings = "/2015-03-31/event-source-mappings/"

// Mappings are the ids of the stack's.
func (s *Stack) Mappings(t testing.TB) (ids []string) {
	t.Helper()
	var all struct {
		EventSourceMappings []struct{ UUID, FunctionArn string }
	}
	getJSON(t, s.aws, mappings, "lambda", &all)
	for _, m := range all.EventSourceMappings {
		if slices.Contains(slices.Collect(maps.Values(s.Outputs)), m.FunctionArn) {
			ids = append(ids, m.UUID)
		}
	}
	return ids
}

// StopMappings keeps the emulated Lambda from taking messages out of queues by itself:
// it would run the functions in Docker.
func (s *Stack) StopMappings(t testing.TB) {
	t.Helper()
	for _, id := range s.Mappings(t) {
		s.aws.Call(t, http.MethodPut, mappings+id, "lambda", `{"Enabled":false}`)
	}
}
