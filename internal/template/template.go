// Package template reads template.yaml as CloudFormation would for given
// parameters, so that tests can hold it against the code: which resources there
// are, what they may, and with which environment each function runs.
package template

import (
	"fmt"
	"maps"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Object is a mapping of the template, its short tags (!Ref) in their long form
// ({"Ref": …}).
type Object = map[string]any

// Template is the template as it is written.
type Template struct {
	Metadata   Object               `yaml:"Metadata"`
	Parameters map[string]Parameter `yaml:"Parameters"`
	Mappings   Object               `yaml:"Mappings"`
	Conditions Object               `yaml:"Conditions"`
	Globals    Object               `yaml:"Globals"`
	Resources  map[string]Resource  `yaml:"Resources"`
	Outputs    Object               `yaml:"Outputs"`
}

// Parameter is what a person may choose.
type Parameter struct {
	Type           string   `yaml:"Type"`
	Description    string   `yaml:"Description"`
	Default        *string  `yaml:"Default"`
	AllowedValues  []string `yaml:"AllowedValues"`
	AllowedPattern string   `yaml:"AllowedPattern"`
}

// Resource is one resource; in a Stack with everything resolved.
type Resource struct {
	Type                string `yaml:"Type"`
	Condition           string `yaml:"Condition"`
	DeletionPolicy      string `yaml:"DeletionPolicy"`
	UpdateReplacePolicy string `yaml:"UpdateReplacePolicy"`
	Metadata            Object `yaml:"Metadata"`
	Properties          Object `yaml:"Properties"`
}

// Load reads a template.
func Load(path string) (*Template, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	lengthen(&root)
	t := &Template{}
	if err := root.Decode(t); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defaults, ok := t.Globals["Function"].(Object)
	if !ok {
		return nil, fmt.Errorf("%s: no Globals.Function", path)
	}
	for id, r := range t.Resources {
		if r.Type == Function {
			r.Properties = merge(defaults, r.Properties)
			t.Resources[id] = r
		}
	}
	return t, nil
}

// Function is the type of the functions.
const Function = "AWS::Serverless::Function"

// lengthen replaces short tags by their long form.
func lengthen(n *yaml.Node) {
	for _, child := range n.Content {
		lengthen(child)
	}
	name, short := strings.CutPrefix(n.Tag, "!")
	if !short || strings.HasPrefix(n.Tag, "!!") {
		return
	}
	value := *n
	value.Tag = ""
	switch name {
	case "Ref", "Condition":
	case "GetAtt": // !GetAtt A.B is ["A", "B"]
		id, attribute, _ := strings.Cut(n.Value, ".")
		value = yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{text(id), text(attribute)}}
		name = "Fn::GetAtt"
	default:
		name = "Fn::" + name
	}
	*n = yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{text(name), &value}}
}

func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

// merge lays own over defaults as the Serverless transform does: mappings key by
// key, lists one after the other, all else replaced.
func merge(defaults, own Object) Object {
	merged := maps.Clone(defaults)
	for key, value := range own {
		switch value := value.(type) {
		case Object:
			if below, ok := merged[key].(Object); ok {
				merged[key] = merge(below, value)
				continue
			}
		case []any:
			if below, ok := merged[key].([]any); ok {
				merged[key] = append(append([]any{}, below...), value...)
				continue
			}
		}
		merged[key] = value
	}
	return merged
}
