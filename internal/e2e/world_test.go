package e2e_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/deploy"
	"tokenrefresh/internal/moto"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/internal/template"
)

// world is a stack in the emulated AWS.
type world struct {
	aws   *moto.Server
	stack *deploy.Stack

	mu    sync.Mutex
	known map[int64]bool // ids of transactions
}

// debug are the parameters of a stack whose functions log all they can.
var debug = map[string]string{"LogLevel": "debug"}

// newWorld is one test's own, for what concerns the accounts that the template makes.
func newWorld(t *testing.T, parameters map[string]string) *world {
	t.Helper()
	return deployed(t, moto.Start(t), parameters)
}

func deployed(t *testing.T, aws *moto.Server, parameters map[string]string) *world {
	t.Helper()
	return &world{aws: aws, stack: deploy.Start(t, aws, root, parameters), known: map[int64]bool{}}
}

var shared = struct {
	mu     sync.Mutex
	next   int
	worlds map[string]*world
}{worlds: map[string]*world{}}

// sharedWorld is one of a few for all tests that make accounts of their own in it.
func sharedWorld(t *testing.T, parameters map[string]string) *world {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.next++
	key := fmt.Sprint(parameters, shared.next%servers)
	if shared.worlds[key] == nil {
		shared.worlds[key] = deployed(t, moto.Shared(t), parameters)
	}
	return shared.worlds[key]
}

// newTransaction makes one that no other credential in the world has: all sandboxes begin
// with the same ids.
func (c *credential) newTransaction() sandbox.Transaction {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		x := c.sandbox.AddTransaction()
		if !c.known[x.ID] {
			c.known[x.ID] = true
			return x
		}
	}
}

// logicalID is the function of a provider in the template.
func (w *world) logicalID(t *testing.T, p sandbox.Provider) string {
	t.Helper()
	ids := w.stack.Template.Of(template.Function)
	i := slices.IndexFunc(ids, func(id string) bool { return template.Provider(id) == string(p) })
	assert.Assert(t, i >= 0, "the template has no function for %s", p)
	return ids[i]
}
