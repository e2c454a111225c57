// Command shop is a service of yours that calls an API: it gets the URLs that it is given, with
// the access token that token-refresh publishes. Copy it into a module of your own.
//
//	ACCESS_SECRET=token-refresh/hesabe/default/access shop https://merchantapi.hesabe.com/api/…
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/reader/awsreader"
	"tokenrefresh/pkg/reader/filereader"
)

func main() {
	if err := realMain(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}

func realMain(ctx context.Context, urls []string) error {
	source, err := source(ctx)
	if err != nil {
		return err
	}
	// One for the whole process: it caches the token, and all requests share a read.
	tokens := reader.NewTokenSource(source, reader.Options{MinLife: time.Minute})
	transport, err := reader.NewTransport(tokens, urls...) // no other host is shown the token
	if err != nil {
		return err
	}
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	for _, url := range urls {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil) //nolint:gosec // its user names the URLs
		if err != nil {
			return err
		}
		response, err := client.Do(request) //nolint:gosec // the same
		if err != nil {
			return err
		}
		_ = response.Body.Close()
		fmt.Println(url, response.Status)
	}
	return nil
}

// source is a secret on AWS, or on a single machine the state file.
func source(ctx context.Context) (reader.Source, error) {
	if file := os.Getenv("STATE_FILE"); file != "" {
		return filereader.Access(file, "hesabe", "default"), nil
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return awsreader.Secret(secretsmanager.NewFromConfig(cfg), os.Getenv("ACCESS_SECRET")), nil
}
