package moto

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tokenrefresh/internal/child"
)

// DynamoDBLocalDir names the variable with the directory of Amazon's DynamoDB Local. Where it
// is set, that takes the place of moto's DynamoDB in all fronts of the test process, with no
// lock before it: its conditional writes are atomic. `make test-dynamodb-local` sets it.
const DynamoDBLocalDir = "DYNAMODB_LOCAL"

// dynamoDBLocal starts the server, once a test process; nil where none is asked for.
var dynamoDBLocal = sync.OnceValues(func() (*url.URL, error) {
	dir := os.Getenv(DynamoDBLocalDir)
	if dir == "" {
		return nil, nil
	}
	var err error
	for range portTries {
		var address *url.URL
		if address, err = startDynamoDBLocal(dir); err == nil {
			return address, nil
		}
	}
	return nil, fmt.Errorf("%s=%s: %w", DynamoDBLocalDir, dir, err)
})

const (
	// portTries: another process may take the port that was free a moment ago.
	portTries = 3
	// knock is how long to wait between two looks whether the server listens.
	knock = 50 * time.Millisecond
)

func startDynamoDBLocal(dir string) (*url.URL, error) {
	host, err := child.FreeAddress()
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(host)
	c, err := child.Begin(nil, "java", "-Djava.library.path="+dir, "-cp", filepath.Join(dir, "*"),
		"com.amazonaws.services.dynamodbv2.local.main.ServerRunner", "-inMemory", "-sharedDb", "-disableTelemetry", "-port", port)
	if err != nil {
		return nil, err
	}
	ended := make(chan string, 1)
	go func() {
		defer c.End()
		said, _ := io.ReadAll(io.LimitReader(c.Output, 4<<10))
		_, _ = io.Copy(io.Discard, c.Output)
		ended <- string(said)
	}()
	limit, cancel := context.WithTimeout(context.Background(), child.StartLimit)
	defer cancel()
	var dialer net.Dialer
	for {
		if conn, err := dialer.DialContext(limit, "tcp", host); err == nil {
			_ = conn.Close()
			return &url.URL{Scheme: "http", Host: host}, nil
		}
		select {
		case said := <-ended:
			return nil, fmt.Errorf("java ended at its start: %s", said)
		case <-limit.Done():
			c.End()
			return nil, errors.New("it did not start within " + child.StartLimit.String())
		case <-time.After(knock):
		}
	}
}
