package main

import (
	"fmt"
	"maps"
	"os"
	"time"

	"go.yaml.in/yaml/v3"
)

// memoryMB is the memory of the functions that is measured, as the template knows it.
const memoryMB = "128"

// templateEnv returns the variables that template.yaml gives a function and that
// don't depend on the deployment: the literals, and Go's memory limit.
func templateEnv(path, resource string) (map[string]string, error) {
	type environment struct {
		Environment struct {
			Variables map[string]yaml.Node `yaml:"Variables"`
		} `yaml:"Environment"`
	}
	var template struct {
		Globals struct {
			Function environment `yaml:"Function"`
		} `yaml:"Globals"`
		Mappings struct {
			Memory map[string]struct {
				GoLimit string `yaml:"GoLimit"`
			} `yaml:"Memory"`
		} `yaml:"Mappings"`
		Resources map[string]struct {
			Properties environment `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := readTemplate(path, &template); err != nil {
		return nil, err
	}
	function, ok := template.Resources[resource]
	limit := template.Mappings.Memory[memoryMB].GoLimit
	if !ok || limit == "" {
		return nil, fmt.Errorf("%s: no function %s, or no Go limit for %s MB", path, resource, memoryMB)
	}
	nodes := maps.Clone(template.Globals.Function.Environment.Variables)
	maps.Copy(nodes, function.Properties.Environment.Variables)
	env := map[string]string{}
	for name, node := range nodes {
		if node.ShortTag() == "!!str" {
			env[name] = node.Value
		}
	}
	env["GOMEMLIMIT"] = limit
	return env, nil
}

// templateTimeout is how long the template lets a function run.
func templateTimeout(path string) (time.Duration, error) {
	var template struct {
		Globals struct {
			Function struct {
				Timeout int `yaml:"Timeout"`
			} `yaml:"Function"`
		} `yaml:"Globals"`
	}
	if err := readTemplate(path, &template); err != nil {
		return 0, err
	}
	if template.Globals.Function.Timeout <= 0 {
		return 0, fmt.Errorf("%s: no timeout of the functions", path)
	}
	return time.Duration(template.Globals.Function.Timeout) * time.Second, nil
}

func readTemplate(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the template (run in the root of the project): %w", err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
