package e2e_test

import (
	"flag"
	"os"
	"runtime"
	"testing"
	"time"

	"tokenrefresh/internal/moto"
)

// atOnce is how many tests run in parallel: many of them wait for a function that has
// lost AWS. How many work is bounded by turns.
const atOnce = "16"

// servers is how many emulated AWS there are.
var servers = runtime.NumCPU()

// began is when the tests did.
var began = time.Now()

func TestMain(m *testing.M) {
	flag.Parse()
	moto.Spread(servers)
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", atOnce)
	}
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}
