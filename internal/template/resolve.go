package template

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// noValue is what AWS::NoValue becomes; whatever holds it leaves it out.
type noValue struct{}

func (s *Stack) object(o Object) (Object, error) {
	v, err := s.resolve(o)
	if err != nil || o == nil {
		return nil, err
	}
	resolved, ok := v.(Object)
	if !ok {
		return nil, fmt.Errorf("is no mapping but %v", v)
	}
	return resolved, nil
}

// resolve replaces every intrinsic function below v.
func (s *Stack) resolve(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		var list []any
		for _, item := range v {
			r, err := s.resolve(item)
			if err != nil {
				return nil, err
			}
			if r != (noValue{}) {
				list = append(list, r)
			}
		}
		return list, nil
	case Object:
		if len(v) == 1 {
			for name, argument := range v {
				if name == "Ref" || strings.HasPrefix(name, "Fn::") {
					return s.intrinsic(name, argument)
				}
			}
		}
		resolved := Object{}
		for key, value := range v {
			r, err := s.resolve(value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			if r != (noValue{}) {
				resolved[key] = r
			}
		}
		return resolved, nil
	default:
		return v, nil
	}
}

var errShape = errors.New("arguments not understood")

func (s *Stack) intrinsic(name string, argument any) (any, error) {
	if name == "Fn::If" { // resolves the branch taken only
		arguments, _ := argument.([]any)
		if len(arguments) != 3 {
			return nil, fmt.Errorf("%s: %w", name, errShape)
		}
		holds, err := s.condition(fmt.Sprint(arguments[0]))
		if err != nil {
			return nil, err
		}
		if holds {
			return s.resolve(arguments[1])
		}
		return s.resolve(arguments[2])
	}
	argument, err := s.resolve(argument)
	if err != nil {
		return nil, err
	}
	arguments, _ := argument.([]any)
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
			return nil, fmt.Errorf("%s: nothing at %v", name, arguments)
		}
		return found, nil
	case name == "Fn::Join" && len(arguments) == 2:
		parts, _ := arguments[1].([]any)
		words := make([]string, 0, len(parts))
		for _, part := range parts {
			words = append(words, fmt.Sprint(part))
		}
		return strings.Join(words, fmt.Sprint(arguments[0])), nil
	case name == "Fn::Split" && len(arguments) == 2:
		var list []any
		for part := range strings.SplitSeq(fmt.Sprint(arguments[1]), fmt.Sprint(arguments[0])) {
			list = append(list, part)
		}
		return list, nil
	}
	return nil, fmt.Errorf("%s: %w", name, errShape)
}

// ref resolves a parameter, or a resource or attribute to its own name.
func (s *Stack) ref(name string) (any, error) {
	if name == "AWS::NoValue" {
		return noValue{}, nil
	}
	if value, ok := s.parameters[name]; ok {
		if p := s.template.Parameters[name]; strings.HasPrefix(p.Type, "CommaDelimitedList") {
			var list []any
			for part := range strings.SplitSeq(value, ",") {
				list = append(list, part)
			}
			return list, nil
		}
		return value, nil
	}
	id, _, _ := strings.Cut(name, ".")
	r, ok := s.template.Resources[id]
	if !ok {
		return nil, fmt.Errorf("there is no parameter or resource %s", name)
	}
	if r.Condition != "" {
		holds, err := s.condition(r.Condition)
		if !holds || err != nil {
			return nil, errors.Join(fmt.Errorf("resource %s is not in this stack", id), err)
		}
	}
	return name, nil
}

var substitution = regexp.MustCompile(`\$\{([A-Za-z0-9:.]+)\}`)

// sub substitutes its own variables and, for all other names, what ref resolves.
func (s *Stack) sub(text string, own Object) (any, error) {
	var mistakes []error
	text = substitution.ReplaceAllStringFunc(text, func(found string) string {
		if value, ok := own[found[2:len(found)-1]]; ok {
			return fmt.Sprint(value)
		}
		value, err := s.ref(found[2 : len(found)-1])
		mistakes = append(mistakes, err)
		return fmt.Sprint(value)
	})
	return strings.ReplaceAll(text, "${!", "${"), errors.Join(mistakes...)
}

// condition evaluates a named condition.
func (s *Stack) condition(name string) (bool, error) {
	definition, ok := s.template.Conditions[name].(Object)
	if !ok {
		return false, fmt.Errorf("there is no condition %s", name)
	}
	return s.holds(definition)
}

func (s *Stack) holds(definition Object) (bool, error) {
	if name, ok := definition["Condition"].(string); ok {
		return s.condition(name)
	}
	if not, ok := definition["Fn::Not"].([]any); ok && len(not) == 1 {
		inner, _ := not[0].(Object)
		holds, err := s.holds(inner)
		return !holds, err
	}
	if all, ok := definition["Fn::And"].([]any); ok {
		for _, part := range all {
			inner, _ := part.(Object)
			if holds, err := s.holds(inner); err != nil || !holds {
				return false, err
			}
		}
		return true, nil
	}
	if equals, ok := definition["Fn::Equals"].([]any); ok && len(equals) == 2 {
		sides, err := s.resolve(equals)
		if err != nil {
			return false, err
		}
		list, _ := sides.([]any)
		return len(list) == 2 && fmt.Sprint(list[0]) == fmt.Sprint(list[1]), nil
	}
	return false, fmt.Errorf("condition %v: %w", definition, errShape)
}
