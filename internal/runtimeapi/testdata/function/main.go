// Command function does what its environment and its events tell it to.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do    string `json:"do"`
	Text  string `json:"text"`
	Bytes int    `json:"bytes"`
}

type answer struct {
	PID         int      `json:"pid"`
	Text        string   `json:"text,omitempty"`
	Environment []string `json:"environment,omitempty"`
	DeadlineMS  int64    `json:"deadline_ms,omitempty"`
	RequestID   string   `json:"request_id,omitempty"`
	ARN         string   `json:"arn,omitempty"`
}

func main() {
	switch os.Getenv("INIT") {
	case "exit":
		fmt.Fprintln(os.Stderr, "planned end of init")
		os.Exit(3)
	case "hang":
		select {}
	}
	lambda.Start(handle)
}

func handle(ctx context.Context, e event) (answer, error) {
	a := answer{PID: os.Getpid()}
	switch e.Do {
	case "echo":
		a.Text = e.Text
	case "print":
		fmt.Println("to stdout:", e.Text)
		fmt.Fprintln(os.Stderr, "to stderr:", e.Text)
	case "describe":
		a.Environment = os.Environ()
		deadline, _ := ctx.Deadline()
		a.DeadlineMS = deadline.UnixMilli()
		lc, _ := lambdacontext.FromContext(ctx)
		a.RequestID, a.ARN = lc.AwsRequestID, lc.InvokedFunctionArn
	case "large":
		a.Text = strings.Repeat("x", e.Bytes)
	case "raw-error": // an error type of its own
		return a, json.Unmarshal([]byte("{"), &e)
	case "error":
		return a, errors.New(e.Text)
	case "panic":
		panic(e.Text)
	case "exit":
		os.Exit(e.Bytes)
	case "hang":
		fmt.Println("hanging")
		select {}
	}
	return a, nil
}
