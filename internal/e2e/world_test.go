package e2e_test

import (
	"slices"
	"testing"

	"tokenrefresh/internal/deploy"
	"tokenrefresh/internal/moto"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/internal/template"
)

// world is a stack of one test's own in the emulated AWS.
type world struct {
	aws   *moto.Server
	stack *deploy.Stack
}

// debug are the parameters of a stack whose functions log all they can.
var debug = map[string]string{"LogLevel": "debug"}

func newWorld(t *testing.T, parameters map[string]string) *world {
	t.Helper()
	aws := moto.Start(t)
	return &world{aws: aws, stack: deploy.Start(t, aws, root, parameters)}
}

// logicalID is the function of a provider in the template.
func (w *world) logicalID(t *testing.T, p sandbox.Provider) string {
	t.Helper()
	ids := w.stack.Template.Of(template.Function)
	i := slices.IndexFunc(ids, func(id string) bool { return template.Provider(id) == string(p) })
	if i < 0 {
		t.Fatalf("the template has no function for %s", p)
	}
	return ids[i]
}
