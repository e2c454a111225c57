package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"tokenrefresh/internal/samples"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/internal/template"
)

const (
	// motoPort is in the local profiles' AwsEndpointUrl.
	motoPort = "5000"
	// invokeLimit is for one invocation; the functions' own limit is the template's Timeout.
	invokeLimit = 2 * time.Minute
	// removeLimit is for looking after containers when all else has ended.
	removeLimit = time.Minute
)

// build is where the local profiles build.
var build = filepath.Join(".aws-sam", "local")

// profile is samconfig.toml's for this machine.
func profile() string {
	if runtime.GOARCH == "arm64" {
		return "local-arm64"
	}
	return "local"
}

// play plays all events. Containers reach this machine's servers at address.
func play(ctx context.Context, address string) (err error) {
	functions, err := listed()
	if err != nil {
		return err
	}
	began := time.Now()
	servers := []*server{}
	defer func() {
		for _, s := range servers {
			s.stop()
		}
		err = errors.Join(err, removeContainers(ctx))
	}()
	if err := removeContainers(ctx); err != nil { // of a run that was killed
		return err
	}
	serve := func(ready, program string, args ...string) error {
		s, err := start(ctx, ready, program, args...)
		if err == nil {
			servers = append([]*server{s}, servers...) // the last one ends first
		}
		return err
	}
	moto, err := motoServer()
	if err != nil {
		return err
	}
	if err := serve("Running on", moto, "-H", address, "-p", motoPort); err != nil {
		return err
	}
	if err := serve(`"providers"`, filepath.Join("bin", "tokenctl"), "sandbox", "--json", "--tls", "--listen", address,
		"--aws", "http://"+net.JoinHostPort(local(address), motoPort), "--transactions", "0",
		"--life", "hesabe=15m", "--life", "tconnect=10h/24h", "--life", "berbix=1h", "--life", "oauth2=30m"); err != nil {
		return err
	}
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	fmt.Println("Starting the functions in containers ...")
	if err := serve("Press CTRL+C to quit", sam, "local", "start-lambda", "--config-env", profile(), "--port", port); err != nil {
		return err
	}
	lambda := "http://127.0.0.1:" + port
	played := 0
	for _, function := range functions {
		for _, sample := range samplesOf(function) {
			answer := func(file string) ([]byte, error) { return post(ctx, lambda, function, file) }
			if err := check(function, sample, answer); err != nil {
				return fmt.Errorf("%w\n%s", err, lastLines(servers[0].said.text(), 40))
			}
			played++
		}
	}
	fmt.Printf("%d events of %d functions through sam local start-lambda answer as they should.\n", played, len(functions))
	for _, function := range functions {
		sample := samples.Sample{File: "dry-run.json", Outcomes: map[string]int{"not_due": 1}}
		if !sandbox.Plays(template.Provider(function)) {
			sample = samples.Unseeded()
		}
		answer := func(file string) ([]byte, error) { return invoke(ctx, function, file) }
		if err := check(function, sample, answer); err != nil {
			return err
		}
	}
	fmt.Printf("So do %d sam local invoke. All took %s.\n", len(functions), time.Since(began).Round(time.Second))
	return nil
}

// samplesOf are the samples of a function. There are no credentials for a provider that the sandbox does not play.
func samplesOf(function string) []samples.Sample {
	if provider := template.Provider(function); sandbox.Plays(provider) {
		return samples.Of(provider)
	}
	return []samples.Sample{samples.Unseeded()}
}

// listed are the functions that were built. Each file of their events must be played.
func listed() ([]string, error) {
	loaded, err := template.Load("template.yaml")
	if err != nil {
		return nil, err
	}
	stack, err := loaded.Stack(map[string]string{"OAuth2Accounts": "default"}) // as in the local profiles
	if err != nil {
		return nil, err
	}
	functions := stack.Of(template.Function)
	for _, function := range functions {
		provider := template.Provider(function)
		if err := samples.Complete(provider, filepath.Join("events", "refresh-"+provider)); err != nil {
			return nil, err
		}
		if _, err := os.Stat(filepath.Join(build, function, "bootstrap")); err != nil {
			return nil, fmt.Errorf("%w: sam build --config-env %s makes it", err, profile())
		}
	}
	return functions, nil
}

// local is the address of a server on this machine that listens on address.
func local(address string) string {
	if address == everywhere {
		return "127.0.0.1"
	}
	return address
}

// motoServer prefers the pinned one.
func motoServer() (string, error) {
	pinned := filepath.Join(".venv", "moto", "bin", "moto_server")
	if _, err := os.Stat(pinned); err == nil {
		return pinned, nil
	}
	found, err := exec.LookPath("moto_server")
	if err != nil {
		return "", fmt.Errorf("%w: make moto installs it", err)
	}
	return found, nil
}

func freePort(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// check plays one file. Its error shows the whole answer.
func check(function string, sample samples.Sample, invoke func(file string) ([]byte, error)) error {
	provider := template.Provider(function)
	file := filepath.Join("events", "refresh-"+provider, sample.File)
	answer, err := invoke(file)
	if err != nil {
		return fmt.Errorf("%s %s: %w", function, file, err)
	}
	var result struct {
		Provider string
		Outcomes map[string]int
	}
	if err := json.Unmarshal(answer, &result); err != nil {
		return fmt.Errorf("%s %s: %w in the answer %q", function, file, err, answer)
	}
	if result.Provider != provider || !maps.Equal(result.Outcomes, sample.Outcomes) {
		return fmt.Errorf("%s %s: want %v of %s, but the answer is %s", function, file, sample.Outcomes, provider, answer)
	}
	return nil
}

// post invokes a function through start-lambda.
func post(ctx context.Context, lambda, function, file string) ([]byte, error) {
	event, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, invokeLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost,
		lambda+"/2015-03-31/functions/"+function+"/invocations", bytes.NewReader(event))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(strconv.Itoa(response.StatusCode) + " " + string(answer))
	}
	return answer, err
}

// sam is the SAM CLI.
var sam = filepath.Join(".venv", "sam", "bin", "sam")

// invoke invokes a function as a person does. The SAM CLI succeeds where the function
// fails, and prints nothing where it died: the answer is what is judged.
func invoke(ctx context.Context, function, file string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, invokeLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, sam, "local", "invoke", function, "--config-env", profile(), "--event", file)
	cmd.Env = environment()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopLimit
	var said bytes.Buffer
	cmd.Stderr = &said
	answer, err := cmd.Output()
	if err == nil && len(strings.TrimSpace(string(answer))) == 0 {
		err = errors.New("nothing was answered")
	}
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, lastLines(said.String(), 40))
	}
	return answer, nil
}

// removeContainers removes what the SAM CLI leaves running when it is interrupted, and
// sometimes else. It runs to its end even if ctx has ended.
func removeContainers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeLimit)
	defer cancel()
	folder, err := filepath.Abs(build)
	if err != nil {
		return err
	}
	if _, err := engine(ctx, nil, "remove", folder); err != nil {
		return fmt.Errorf("remove the containers that have %s mounted: %w", folder, err)
	}
	return nil
}
