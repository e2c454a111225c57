package main

import (
	"fmt"
	"time"

	"tokenrefresh/internal/template"
)

// resolved are the variables that template.yaml computes, and that are the same in all
// deployments with the memory that is measured.
var resolved = []string{"GOMEMLIMIT", "SSL_CERT_DIR"}

// templateEnv returns the variables that template.yaml gives a function and that
// don't depend on the deployment: the literals, and those that are resolved.
func templateEnv(path, resource string) (map[string]string, error) {
	loaded, stack, err := readTemplate(path)
	if err != nil {
		return nil, err
	}
	function, ok := loaded.Resources[resource]
	if !ok {
		return nil, fmt.Errorf("%s: no function %s", path, resource)
	}
	env := map[string]string{}
	for name, value := range template.Get[template.Object](function.Properties, "Environment", "Variables") {
		if literal, isText := value.(string); isText {
			env[name] = literal
		}
	}
	for _, name := range resolved {
		env[name] = stack.Environment(resource)[name]
	}
	return env, nil
}

// templateTimeout is how long the template lets a function run.
func templateTimeout(path string) (time.Duration, error) {
	_, stack, err := readTemplate(path)
	if err != nil {
		return 0, err
	}
	for _, function := range stack.Of(template.Function) {
		if seconds := template.Get[int](stack.Resources[function].Properties, "Timeout"); seconds > 0 {
			return time.Duration(seconds) * time.Second, nil
		}
	}
	return 0, fmt.Errorf("%s: no timeout of the functions", path)
}

// readTemplate reads the template, and as it is deployed with its defaults.
func readTemplate(path string) (*template.Template, *template.Stack, error) {
	loaded, err := template.Load(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read the template (run in the root of the project): %w", err)
	}
	stack, err := loaded.Stack(nil)
	return loaded, stack, err
}
