package template_test

import (
	"regexp"
	"slices"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/template"
)

const path = "../../template.yaml"

func load(t *testing.T) *template.Template {
	t.Helper()
	loaded, err := template.Load(path)
	assert.NilError(t, err)
	return loaded
}

// eachVariant tests every variant of the stack.
func eachVariant(t *testing.T, test func(t *testing.T, stack *template.Stack)) {
	t.Helper()
	loaded := load(t)
	for name, parameters := range template.Variants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack, err := loaded.Stack(parameters)
			assert.NilError(t, err)
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
	assert.Check(t, err != nil, "no error")
}
