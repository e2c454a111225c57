package typed_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/moto"
	"tokenrefresh/internal/moto/awscli"
	"tokenrefresh/pkg/event"
)

// refusals are what the emulated AWS answers to lines that are right, by the document and how the line begins: it lacks
// an operation, or what the reader has made before is not there.
var refusals = map[string]map[string]string{
	"docs/operations.md": {
		"lambda get-account-settings":         "404", // which moto lacks
		"sqs start-message-move-task":         "UnsupportedOperation",
		"dynamodb restore-table-from-backup":  "BackupNotFound",
		"secretsmanager cancel-rotate-secret": "InvalidRequest", // nobody rotates it
		"logs tail /aws/lambda/token-refresh": "ResourceNotFound",
	},
	takesAway: {
		"iam create-policy":              "EntityAlreadyExists", // by the page before
		"ec2 create-nat-gateway":         "InvalidSubnetID",
		"ec2 create-route":               "InvalidRouteTableID",
		"secretsmanager update-secret":   "ResourceNotFound", // an account that nobody has seeded
		"sqs start-message-move-task":    "UnsupportedOperation",
		"sqs get-queue-url --queue-name": "NonExistentQueue",
	},
	"docs/releases.md": {"cloudformation deploy": "ValidationError"},
	"docs/services.md": {"iam tag-role": "NoSuchEntity"},                   // a service's own
	"docs/protocol.md": {"dynamodb update-item": "ConditionalCheckFailed"}, // no attempt was made yet
}

// Every command that a document prints is typed as it stands there, page by page. The shell knows each of its programs;
// the AWS CLI takes each of its lines, and finds what it names in the template's stack.
//
//nolint:paralleltest // it takes a while, and its pages are parallel
func TestEveryPrintedCommand(t *testing.T) {
	cli := awscli.Path(t)
	server := moto.Alone(t)
	server.Invoke = answer
	server.Refuse["StartMessageMoveTask"] = "UnsupportedOperation" // moto's fails
	server.Refuse["CreateChangeSet"] = "ValidationError"           // it would put another template in place of this one
	server.Call(t, http.MethodPut, "/my-bucket", "s3", "")
	server.Refuse["FilterLogEvents"] = "ResourceNotFoundException" // a tail that follows would not end
	environment := append(server.Environment(), stageAWS+"="+cli, stageCtl+"="+tokenctl(t), "STACK="+failed)
	for _, name := range []string{stack, failed} {
		deploy(t, server, name)
	}
	var mu sync.Mutex
	var lines [][]string // of the SAM CLI
	typePage := func(t *testing.T, path string) {
		t.Helper()
		page := units(t, path)
		calls, said := newStage(t, environment...).types(t, page)
		for line := range strings.Lines(said) {
			if strings.HasPrefix(line, "jq: ") || strings.Contains(line, ": line ") { // how bash begins its own
				t.Errorf("the shell says: %s", line)
			}
		}
		assert.Check(t, len(calls) >= len(page), "%d lines or blocks, and only %d calls", len(page), len(calls))
		for _, c := range calls {
			unit, err := strconv.Atoi(c.Unit)
			assert.NilError(t, err)
			c.check(t, page[unit], refusals[path])
			if c.Program == "sam" {
				mu.Lock()
				lines = append(lines, c.Args)
				mu.Unlock()
			}
		}
	}
	t.Run("pages", func(t *testing.T) {
		for _, path := range pages(t) {
			t.Run(path, func(t *testing.T) {
				t.Parallel()
				typePage(t, path)
			})
		}
	})
	t.Run(takesAway, func(t *testing.T) { typePage(t, takesAway) })
	t.Run("sam", func(t *testing.T) { samTakes(t, lines) })
}

// check fails the test unless a program takes its line and does what it says, as far as that can be here.
func (c call) check(t *testing.T, u unit, refusals map[string]string) {
	t.Helper()
	switch c.Program {
	case "aws":
		c.checkPayload(t)
		if c.Code == 0 || c.Code == awscli.WrongLine && u.within && strings.Contains(c.Said, "the following arguments are required") {
			return
		}
		line := strings.Join(c.Args, " ")
		for beginning, code := range refusals {
			if c.Code == awscli.Refused && strings.HasPrefix(line, beginning) && strings.Contains(c.Said, code) {
				return
			}
		}
		t.Error(c)
	case "tokenctl":
		if c.Code > 5 || c.Code == 2 && !strings.Contains(c.Said, `"refresh_token" is missing`) { // nobody types it in
			t.Error(c)
		}
	case "make":
		for _, target := range c.Args {
			assert.Check(t, slices.Contains(targets(t), target), "there is no such target: make %s", target)
		}
	}
}

// checkPayload reads an event as its function does.
func (c call) checkPayload(t *testing.T) {
	t.Helper()
	if c.Payload == "" || strings.Contains(c.Payload, `"rekord"`) || slices.Contains(c.Args, "fileb://too-long.json") { // to be refused
		return
	}
	_, err := event.Decode([]byte(c.Payload))
	if slices.ContainsFunc(c.Args, func(arg string) bool { return strings.HasSuffix(arg, "-refresh-berbix") }) {
		_, _, err = event.DecodeSweep([]byte(c.Payload))
	}
	assert.Check(t, err == nil, "%v: the function refuses the event: %v", c.Args, err)
}

// targets are the Makefile's.
func targets(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "Makefile"))
	assert.NilError(t, err)
	var all []string
	for _, match := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(string(text), -1) {
		all = append(all, match[1])
	}
	return all
}

// parses lets the SAM CLI's own code read lines, without acting on them.
const parses = `
import json, sys, tomllib
import click
from samcli.cli.main import cli
profiles = tomllib.load(open(sys.argv[1], "rb"))
for line in json.load(sys.stdin):
    command, context, args = cli, click.Context(cli, info_name="sam", obj=True), list(line)
    try:
        while args and isinstance(command, click.Group):
            name, command, args = command.resolve_command(context, args)
            context = click.Context(command, info_name=name, parent=context)
        options, rest, _ = command.make_parser(context).parse_args(args)
        if options.get("config_env", "default") not in profiles:
            raise click.UsageError("samconfig.toml has no such profile")
    except click.ClickException as wrong:
        print("sam " + " ".join(line) + ": " + wrong.format_message())
`

// samTakes lets the SAM CLI read lines.
func samTakes(t *testing.T, lines [][]string) {
	t.Helper()
	assert.Assert(t, len(lines) >= 5, "only %v", lines)
	python := filepath.Join(root, ".venv", "sam", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		missing(t, "no SAM CLI in .venv/sam: `make validate` installs it")
	}
	text, err := json.Marshal(lines)
	assert.NilError(t, err)
	cmd := exec.CommandContext(t.Context(), python, "-c", parses, filepath.Join(root, "samconfig.toml"))
	cmd.Stdin = strings.NewReader(string(text))
	cmd.Env = append(os.Environ(), "SAM_CLI_TELEMETRY=0")
	said, err := cmd.CombinedOutput()
	assert.Check(t, err == nil && len(said) == 0, "%v: %s", err, said)
}
