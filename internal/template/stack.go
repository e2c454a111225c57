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
	at         string // what is being resolved
	mistakes   []error
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
// such as AWS::StackName, may be given too. A reference to a resource becomes its logical id, an
// attribute of one "<logical id>.<attribute>". The error names all mistakes.
func (t *Template) Stack(parameters map[string]string) (*Stack, error) {
	s := &Stack{Resources: map[string]Resource{}, Outputs: map[string]string{}, template: t, parameters: maps.Clone(pseudo)}
	for name, p := range t.Parameters {
		if _, given := parameters[name]; !given && p.Default == nil {
			s.mistake("parameter %s has no default", name)
		} else if !given {
			s.parameters[name] = *p.Default
		}
	}
	for name, value := range parameters {
		_, isPseudo := pseudo[name]
		if _, ok := t.Parameters[name]; !ok && !isPseudo {
			s.mistake("there is no parameter %s", name)
		}
		s.parameters[name] = value
	}
	for id, r := range t.Resources {
		s.at = "resource " + id
		if s.holds(r.Condition) {
			r.Properties, r.Metadata = s.object(r.Properties), s.object(r.Metadata)
			s.Resources[id] = r
		}
	}
	for name, output := range t.Outputs {
		s.at = "output " + name
		definition, _ := output.(Object)
		if s.holds(Get[string](definition, "Condition")) {
			s.Outputs[name] = fmt.Sprint(s.object(definition)["Value"])
		}
	}
	return s, errors.Join(s.mistakes...)
}

// mistake records what is wrong with the part that is being resolved.
func (s *Stack) mistake(format string, args ...any) {
	s.mistakes = append(s.mistakes, fmt.Errorf("%s: %s", s.at, fmt.Sprintf(format, args...)))
}

// LoadStack reads a template and resolves it.
func LoadStack(path string, parameters map[string]string) (*Stack, error) {
	t, err := Load(path)
	if err != nil {
		return nil, err
	}
	return t.Stack(parameters)
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
