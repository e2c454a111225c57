package template

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Stack is a template with its parameters chosen.
type Stack struct {
	Resources map[string]Resource // those whose condition holds
	Outputs   map[string]string   // likewise

	template   *Template
	parameters map[string]string
}

// pseudo are AWS's own parameters, for an account that exists nowhere.
var pseudo = map[string]string{
	"AWS::AccountId": "123456789012",
	"AWS::Partition": "aws",
	"AWS::Region":    "eu-west-1",
	"AWS::StackName": "stack",
	"AWS::URLSuffix": "amazonaws.com",
}

// Stack resolves the template. Parameters that are not given have their defaults; AWS's own,
// such as AWS::StackName, may be given too.
// A reference to a resource becomes its logical id, an attribute of one
// "<logical id>.<attribute>".
func (t *Template) Stack(parameters map[string]string) (*Stack, error) {
	s := &Stack{Resources: map[string]Resource{}, Outputs: map[string]string{}, template: t, parameters: maps.Clone(pseudo)}
	var mistakes []error
	for name, p := range t.Parameters {
		value, given := parameters[name]
		if !given && p.Default == nil {
			mistakes = append(mistakes, fmt.Errorf("parameter %s has no default", name))
			continue
		}
		if !given {
			value = *p.Default
		}
		s.parameters[name] = value
	}
	for name, value := range parameters {
		_, isPseudo := pseudo[name]
		if _, ok := t.Parameters[name]; !ok && !isPseudo {
			mistakes = append(mistakes, fmt.Errorf("there is no parameter %s", name))
		}
		s.parameters[name] = value
	}
	for id, r := range t.Resources {
		if r.Condition != "" {
			holds, err := s.condition(r.Condition)
			mistakes = append(mistakes, err)
			if !holds {
				continue
			}
		}
		var err error
		if r.Properties, err = s.object(r.Properties); err != nil {
			mistakes = append(mistakes, fmt.Errorf("resource %s: %w", id, err))
		}
		if r.Metadata, err = s.object(r.Metadata); err != nil {
			mistakes = append(mistakes, fmt.Errorf("resource %s: %w", id, err))
		}
		s.Resources[id] = r
	}
	for name, output := range t.Outputs {
		definition, _ := output.(Object)
		if condition := Get[string](definition, "Condition"); condition != "" {
			holds, err := s.condition(condition)
			mistakes = append(mistakes, err)
			if !holds {
				continue
			}
		}
		o, err := s.object(definition)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("output %s: %w", name, err))
			continue
		}
		s.Outputs[name] = fmt.Sprint(o["Value"])
	}
	return s, errors.Join(mistakes...)
}

// Of returns the logical ids of all resources of a type, sorted.
func (s *Stack) Of(kind string) []string {
	var ids []string
	for id, r := range s.Resources {
		if r.Type == kind {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Environment is what the template sets for a function.
func (s *Stack) Environment(function string) map[string]string {
	variables := Get[Object](s.Resources[function].Properties, "Environment", "Variables")
	environment := map[string]string{}
	for name, value := range variables {
		environment[name] = fmt.Sprint(value)
	}
	return environment
}

// Get walks down keys and returns what is there; the zero value where nothing of
// that type is.
func Get[T any](object Object, keys ...string) T {
	var value any = object
	for _, key := range keys {
		o, _ := value.(Object)
		value = o[key]
	}
	found, _ := value.(T)
	return found
}

// Provider is the provider that a function is for: RefreshHesabe is for "hesabe".
func Provider(function string) string {
	return strings.ToLower(strings.TrimPrefix(function, "Refresh"))
}
