package template

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// noValue is what AWS::NoValue becomes; whatever holds it leaves it out.
type noValue struct{}

func (s *Stack) object(o Object) Object {
	if o == nil {
		return nil
	}
	resolved, ok := s.resolve(o).(Object)
	if !ok {
		s.mistake("is no mapping: %v", o)
	}
	return resolved
}

// resolve replaces every intrinsic function below v.
func (s *Stack) resolve(v any) any {
	switch v := v.(type) {
	case []any:
		var list []any
		for _, item := range v {
			if r := s.resolve(item); r != (noValue{}) {
				list = append(list, r)
			}
		}
		return list
	case Object:
		for name, argument := range v {
			if len(v) == 1 && (name == "Ref" || strings.HasPrefix(name, "Fn::")) {
				return s.intrinsic(name, argument)
			}
		}
		resolved := Object{}
		for key, value := range v {
			if r := s.resolve(value); r != (noValue{}) {
				resolved[key] = r
			}
		}
		return resolved
	}
	return v
}

func (s *Stack) intrinsic(name string, argument any) any {
	arguments, _ := argument.([]any)
	if name == "Fn::If" && len(arguments) == 3 { // resolves the branch taken only
		if s.holds(arguments[0]) {
			return s.resolve(arguments[1])
		}
		return s.resolve(arguments[2])
	}
	argument = s.resolve(argument)
	arguments, _ = argument.([]any)
	switch {
	case name == "Ref":
		return s.ref(fmt.Sprint(argument))
	case name == "Fn::Sub" && len(arguments) == 2:
		own, _ := arguments[1].(Object)
		return s.sub(fmt.Sprint(arguments[0]), own)
	case name == "Fn::Sub":
		return s.sub(fmt.Sprint(argument), nil)
	case name == "Fn::GetAtt" && len(arguments) == 2:
		return s.ref(fmt.Sprintf("%v.%v", arguments...))
	case name == "Fn::FindInMap" && len(arguments) == 3:
		found := Get[any](s.template.Mappings, fmt.Sprint(arguments[0]), fmt.Sprint(arguments[1]), fmt.Sprint(arguments[2]))
		if found == nil {
			s.mistake("%s: nothing at %v", name, arguments)
		}
		return found
	case name == "Fn::Join" && len(arguments) == 2:
		parts, _ := arguments[1].([]any)
		words := make([]string, len(parts))
		for i, part := range parts {
			words[i] = fmt.Sprint(part)
		}
		return strings.Join(words, fmt.Sprint(arguments[0]))
	case name == "Fn::Split" && len(arguments) == 2:
		return split(fmt.Sprint(arguments[1]), fmt.Sprint(arguments[0]))
	}
	s.mistake("%s: arguments not understood: %v", name, argument)
	return nil
}

func split(text, separator string) []any {
	var list []any
	for part := range strings.SplitSeq(text, separator) {
		list = append(list, part)
	}
	return list
}

// ref resolves a parameter, or a resource or attribute to its own name.
func (s *Stack) ref(name string) any {
	if name == "AWS::NoValue" {
		return noValue{}
	}
	if value, ok := s.parameters[name]; ok {
		if strings.HasPrefix(s.template.Parameters[name].Type, "CommaDelimitedList") {
			return split(value, ",")
		}
		return value
	}
	id, _, _ := strings.Cut(name, ".")
	switch r, ok := s.template.Resources[id]; {
	case !ok:
		s.mistake("there is no parameter or resource %s", name)
	case !s.holds(r.Condition):
		s.mistake("resource %s is not in this stack", id)
	}
	return name
}

var substitution = regexp.MustCompile(`\$\{([A-Za-z0-9:.]+)\}`)

// sub substitutes its own variables and, for all other names, what ref resolves.
func (s *Stack) sub(text string, own Object) string {
	text = substitution.ReplaceAllStringFunc(text, func(found string) string {
		name := found[2 : len(found)-1]
		if value, ok := own[name]; ok {
			return fmt.Sprint(value)
		}
		return fmt.Sprint(s.ref(name))
	})
	return strings.ReplaceAll(text, "${!", "${")
}

// holds evaluates a condition or its name. The empty name always holds.
func (s *Stack) holds(condition any) bool {
	switch c := condition.(type) {
	case string:
		if c == "" {
			return true
		}
		return s.holds(s.template.Conditions[c])
	case Object:
		if name, ok := c["Condition"]; ok {
			return s.holds(name)
		}
		if not, ok := c["Fn::Not"].([]any); ok && len(not) == 1 {
			return !s.holds(not[0])
		}
		if all, ok := c["Fn::And"].([]any); ok {
			return !slices.ContainsFunc(all, func(part any) bool { return !s.holds(part) })
		}
		if sides, ok := c["Fn::Equals"].([]any); ok && len(sides) == 2 {
			return fmt.Sprint(s.resolve(sides[0])) == fmt.Sprint(s.resolve(sides[1]))
		}
	}
	s.mistake("condition not understood: %v", condition)
	return false
}
