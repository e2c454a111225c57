package runtimeapi

import (
	"cmp"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Options say what to run. Only Binary is required.
type Options struct {
	Binary string // path of the executable
	// Env is the function's own environment. It is given to the process with the
	// variables that Lambda sets by itself, and wins over them; the environment
	// of the calling process is not inherited.
	Env          map[string]string
	FunctionName string        // default "function"
	MemoryMB     int           // told to the function, not enforced; default 128
	Timeout      time.Duration // of one invocation; default 3 s
	InitTimeout  time.Duration // from process start to the first request for work; default 10 s
}

func (o Options) withDefaults() Options {
	o.FunctionName = cmp.Or(o.FunctionName, "function")
	o.MemoryMB = cmp.Or(o.MemoryMB, 128)
	o.Timeout = cmp.Or(o.Timeout, 3*time.Second)
	o.InitTimeout = cmp.Or(o.InitTimeout, 10*time.Second)
	return o
}

func (o Options) region() string { return cmp.Or(o.Env["AWS_REGION"], "us-east-1") }

// environ is the process's whole environment. The reserved variables are those of
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html that a
// function on an OS-only runtime finds.
func (o Options) environ(runtimeAPI string) []string {
	env := map[string]string{
		"AWS_REGION":                      o.region(),
		"AWS_DEFAULT_REGION":              o.region(),
		"AWS_ACCESS_KEY_ID":               "test",
		"AWS_SECRET_ACCESS_KEY":           "test",
		"AWS_SESSION_TOKEN":               "test",
		"AWS_LAMBDA_FUNCTION_NAME":        o.FunctionName,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(o.MemoryMB),
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + o.FunctionName,
		"AWS_LAMBDA_LOG_STREAM_NAME":      "2026/01/01/[$LATEST]00000000000000000000000000000000",
		"LAMBDA_TASK_ROOT":                filepath.Dir(o.Binary),
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"_HANDLER":                        "bootstrap",
		"LANG":                            "en_US.UTF-8",
		"PATH":                            "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"TZ":                              ":UTC",
	}
	maps.Copy(env, o.Env)
	env["AWS_LAMBDA_RUNTIME_API"] = runtimeAPI
	list := make([]string, 0, len(env))
	for k, v := range env {
		list = append(list, k+"="+v)
	}
	slices.Sort(list)
	return list
}
