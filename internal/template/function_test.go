package template_test

import (
	"debug/buildinfo"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/template"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/event"
)

// runtimeVariables are read by Go's runtime or by the AWS clients.
var runtimeVariables = []string{"AWS_ENDPOINT_URL", "GOGC", "GOMEMLIMIT", "SSL_CERT_DIR"}

// A variable that nobody reads misleads people, one that is missing stops the function.
func TestEnvironmentIsWhatTheFunctionReads(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, stack *template.Stack) {
		for _, function := range stack.Of(template.Function) {
			environment := stack.Environment(function)
			var read []string
			getenv := func(name string) string {
				read = append(read, name)
				if queue := environment[name]; stack.Resources[queue].Type == queueType {
					return "https://" + queue // as it will have
				}
				return environment[name]
			}
			parse := config.ForRefresh
			if sweeps(function) {
				parse = config.ForSweep
			}
			_, err := parse(getenv)
			assert.Check(t, err == nil, "%s refuses its environment: %v", function, err)
			for _, name := range runtimeVariables {
				delete(environment, name)
			}
			slices.Sort(read)
			diff := cmp.Diff(slices.Compact(read), slices.Sorted(maps.Keys(environment)))
			assert.Check(t, diff == "", "%s (-read +set):\n%s", function, diff)
		}
	})
}

func TestMemoryLimitIsFourFifths(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	for _, size := range loaded.Parameters["MemorySize"].AllowedValues {
		stack := with(t, map[string]string{"MemorySize": size})
		megabytes, _ := strconv.Atoi(size)
		want := strconv.Itoa(megabytes*8/10) + "MiB"
		assert.Check(t, is.Equal(stack.Environment("RefreshHesabe")["GOMEMLIMIT"], want), "of %s MB", size)
	}
}

// Without a match at AWS the schedule would fail at deployment; nothing before looks.
var rate = regexp.MustCompile(`^rate\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\)$`)

func TestSchedules(t *testing.T) {
	t.Parallel()
	for _, value := range load(t).Parameters["ScheduleRate"].AllowedValues {
		assert.Check(t, rate.MatchString(value), "ScheduleRate %q is no rate expression", value)
	}
	eachVariant(t, func(t *testing.T, stack *template.Stack) {
		for _, function := range stack.Of(template.Function) {
			events := template.Get[template.Object](stack.Resources[function].Properties, "Events")
			assert.Assert(t, len(events) == 1, "%s has %d events", function, len(events))
			tick := template.Get[template.Object](events, "Tick")
			assert.Check(t, is.Equal(template.Get[string](tick, "Type"), "ScheduleV2"), "%s", function)
			p := template.Get[template.Object](tick, "Properties")
			expression := template.Get[string](p, "ScheduleExpression")
			assert.Check(t, rate.MatchString(expression), "%s: schedule %q", function, expression)
			delete(p, "ScheduleExpression")
			state := template.Get[string](p, "State")
			if state != "ENABLED" && state != "DISABLED" {
				t.Errorf("%s: state %q", function, state)
			}
			delete(p, "State")
			_, err := event.Decode([]byte(template.Get[string](p, "Input")))
			assert.Check(t, err == nil, "%s refuses its schedule's event: %v", function, err)
			delete(p, "Input")
			want := template.Object{
				"Name":               "stack-refresh-" + template.Provider(function), // two stacks in an account must not meet
				"FlexibleTimeWindow": template.Object{"Mode": "OFF"},
				"RetryPolicy":        template.Object{"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
				"DeadLetterConfig":   template.Object{"Arn": "DeadLetters.Arn"},
			}
			assert.Check(t, is.DeepEqual(p, want), "%s", function)
		}
	})
}

// Small accounts have nothing to reserve, and a deployment that reserves fails there.
func TestConcurrencyIsReservedOnlyOnDemand(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	for reserved, want := range map[string]any{"": nil, "2": "2"} {
		stack := with(t, map[string]string{"ReservedConcurrency": reserved})
		for _, function := range stack.Of(template.Function) {
			got := stack.Resources[function].Properties["ReservedConcurrentExecutions"]
			assert.Check(t, got == want, "%s reserves %v where %q is asked for", function, got, reserved)
		}
	}
	p := loaded.Parameters["ReservedConcurrency"]
	assert.Check(t, p.Default != nil && *p.Default == "", "concurrency is reserved unasked")
}

// The next tick is the retry: a repetition by Lambda would only meet it.
func TestFailedRunsAreKeptAndNotRepeated(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, stack *template.Stack) {
		for _, function := range stack.Of(template.Function) {
			want := map[string]any{
				"EventInvokeConfig": template.Object{
					"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60,
					"DestinationConfig": template.Object{"OnFailure": template.Object{"Type": "SQS", "Destination": "DeadLetters.Arn"}},
				},
				"DeadLetterQueue": nil,
			}
			if sweeps(function) { // its events hold tokens: no error may make them too large
				want["EventInvokeConfig"] = template.Object{"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
				want["DeadLetterQueue"] = template.Object{"Type": "SQS", "TargetArn": "DeadLetters.Arn"}
			}
			for property, value := range want {
				assert.Check(t, is.DeepEqual(stack.Resources[function].Properties[property], value), "%s, %s", function, property)
			}
		}
		want := template.Object{"SqsManagedSseEnabled": true, "MessageRetentionPeriod": 14 * 24 * 60 * 60, "MaximumMessageSize": 1 << 20}
		assert.Check(t, is.DeepEqual(stack.Resources["DeadLetters"].Properties, want), "dead letters")
	})
}

// sam asks for a make target a function in the Makefile of ContextPath; cfn-lint
// knows of none of this.
func TestEachFunctionIsBuiltForItsArchitecture(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	assert.NilError(t, err)
	for architecture, goarch := range map[string]string{"arm64": "arm64", "x86_64": "amd64"} {
		stack := with(t, map[string]string{"Architecture": architecture})
		for _, function := range stack.Of(template.Function) {
			r := stack.Resources[function]
			method := template.Get[string](r.Metadata, "BuildMethod")
			assert.Check(t, method == "makefile", "%s is built by %q", function, method)
			got := template.Get[[]any](r.Properties, "Architectures")
			assert.Check(t, slices.Equal(got, []any{any(architecture)}), "%s is for %v", function, got)
			makefile := filepath.Join(root, template.Get[string](r.Metadata, "ContextPath"), "Makefile")
			cmd := exec.CommandContext(t.Context(),
				"make", "--dry-run", "--no-print-directory", "--makefile", makefile, "build-"+function, "ARTIFACTS_DIR=/artifacts")
			cmd.Dir = root
			cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=", "GOARCH=riscv64")
			output, err := cmd.CombinedOutput()
			assert.Assert(t, err == nil, "%s: %v\n%s", function, err, output)
			folder := "functions/refresh-" + template.Provider(function)
			line, _, _ := strings.Cut(strings.Join(strings.Fields(strings.ReplaceAll(string(output), "\\\n", " ")), " "), " case ")
			want := "CGO_ENABLED=0 GOOS=linux GOARCH=" + goarch + " go build -trimpath -buildvcs=false -tags lambda.norpc,nethttpomithttp2 " +
				`-ldflags "-s -w" -o "$ARTIFACTS_DIR/bootstrap" ./` + folder
			assert.Check(t, line == want, "%s on %s:\n%s\nwant\n%s", function, architecture, line, want)
			_, err = os.Stat(filepath.Join(root, folder, "main.go"))
			assert.Check(t, err)
		}
	}
}

// What sam has built last, if it has: the settings that the template promises.
func TestBuiltBinaries(t *testing.T) {
	t.Parallel()
	stack := with(t, nil)
	for _, function := range stack.Of(template.Function) {
		info, err := buildinfo.ReadFile(filepath.Join("../../.aws-sam/host", function, "bootstrap"))
		if err != nil {
			t.Skipf("make functions has not run: %v", err)
		}
		got := map[string]string{}
		for _, setting := range info.Settings {
			got[setting.Key] = setting.Value
		}
		for key, want := range map[string]string{
			"-tags": "lambda.norpc,nethttpomithttp2", "-trimpath": "true", "CGO_ENABLED": "0", "GOOS": "linux",
		} {
			if got[key] != want {
				t.Errorf("%s: %s is %q, want %q", function, key, got[key], want)
			}
		}
	}
}
