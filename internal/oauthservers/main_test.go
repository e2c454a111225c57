package oauthservers_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
)

// rounds is how many refreshes each chain lives through: `make soak` asks for more.
var rounds = flag.Int("rounds", 120, "refreshes of a chain")

// TestMain lets the test binary be a process with one run of the engine, which tests kill.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "refresh" {
		if err := runElsewhere(context.Background(), os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}
