package template_test

import (
	"regexp"
	"slices"
	"sync"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/template"
)

const path = "../../template.yaml"

var once = sync.OnceValues(func() (*template.Template, error) { return template.Load(path) })

func load(t *testing.T) *template.Template {
	t.Helper()
	loaded, err := once()
	assert.NilError(t, err)
	return loaded
}

// with is the stack with these parameters.
func with(t *testing.T, parameters map[string]string) *template.Stack {
	t.Helper()
	stack, err := load(t).Stack(parameters)
	assert.NilError(t, err)
	return stack
}

// sweeps reports whether the function is of a provider with transactions.
func sweeps(function string) bool {
	entry, err := catalog.Find(template.Provider(function))
	return err == nil && entry.Sweep
}

// eachVariant tests every variant of the stack.
func eachVariant(t *testing.T, test func(t *testing.T, stack *template.Stack)) {
	t.Helper()
	for name, parameters := range template.Variants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := with(t, parameters)
			functions := 0
			for _, entry := range catalog.All() {
				if !entry.OwnAccounts || parameters[entry.Title+"Accounts"] != "" {
					functions++
				}
			}
			assert.Assert(t, len(stack.Of(template.Function)) == functions,
				"functions: %v", stack.Of(template.Function))
			test(t, stack)
		})
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	grouped := map[string]int{}
	for _, group := range template.Get[[]any](loaded.Metadata, "AWS::CloudFormation::Interface", "ParameterGroups") {
		for _, name := range template.Get[[]any](group.(template.Object), "Parameters") {
			grouped[name.(string)]++
		}
	}
	for name, p := range loaded.Parameters {
		if p.Description == "" || grouped[name] != 1 {
			t.Errorf("%s: description %q, in %d groups", name, p.Description, grouped[name])
		}
		if p.Default == nil {
			t.Errorf("%s: no default: the template must deploy as it is", name)
			continue
		}
		if len(p.AllowedValues) > 0 && !slices.Contains(p.AllowedValues, *p.Default) {
			t.Errorf("%s: its default is not allowed", name)
		}
		if p.AllowedPattern == "" {
			continue
		}
		pattern := regexp.MustCompile(p.AllowedPattern)
		assert.Check(t, pattern.MatchString(*p.Default), "%s: its default does not match its pattern", name)
		for _, parameters := range template.Variants {
			if value, given := parameters[name]; given && !pattern.MatchString(value) {
				t.Errorf("%s: %q is refused", name, value)
			}
		}
	}
	for name := range grouped {
		_, ok := loaded.Parameters[name]
		assert.Check(t, ok, "group names %s, which is no parameter", name)
	}
}

func TestUnknownParameterIsRefused(t *testing.T) {
	t.Parallel()
	_, err := load(t).Stack(map[string]string{"Acounts": "x"})
	assert.ErrorContains(t, err, "no parameter Acounts")
}

// What could not be resolved is named, and not left out.
func TestMistakesAreNamed(t *testing.T) {
	t.Parallel()
	for want, value := range map[string]any{
		"resource A: there is no parameter or resource B": template.Object{"Ref": "B"},
		"resource C is not in this stack":                 template.Object{"Fn::Sub": "of ${C.Arn}"},
		"Fn::FindInMap: nothing at [a b c]":               template.Object{"Fn::FindInMap": []any{"a", "b", "c"}},
		"Fn::Base64: arguments not understood: x":         template.Object{"Fn::Base64": "x"},
		"condition not understood: <nil>":                 template.Object{"Fn::If": []any{"Gone", 1, 2}},
	} {
		broken := template.Template{
			Conditions: template.Object{"Never": template.Object{"Fn::Equals": []any{"1", "2"}}},
			Resources: map[string]template.Resource{
				"A": {Properties: template.Object{"List": []any{value}}}, "C": {Condition: "Never"},
			},
		}
		_, err := broken.Stack(nil)
		assert.Check(t, is.ErrorContains(err, want))
	}
}
