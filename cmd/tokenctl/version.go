package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/invoke"
	"tokenrefresh/pkg/handler"
	"tokenrefresh/pkg/release"
)

// commit is what this program was built from: a release's commit, else the module's version, which
// go build makes of the commit; "unknown" if the build has no record.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "(devel)" {
		info = &debug.BuildInfo{}
	}
	return cmp.Or(release.Commit(), info.Main.Version, "unknown")
}

// ownVersion is this program's release and what it was built from.
func ownVersion() string { return fmt.Sprintf("%s (%s)", release.Version, commit()) }

// told are the versions, as JSON.
type toldVersions struct {
	Tokenctl  string            `json:"tokenctl"`
	Commit    string            `json:"commit"`
	Functions []functionVersion `json:"functions,omitempty"`
}

// functionVersion is what a deployed function says.
type functionVersion struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Error   string `json:"error,omitempty"`
}

func versions(o *options) *cobra.Command {
	var stack string
	cmd := &cobra.Command{
		Use:   "version [--stack NAME]",
		Short: "Show the release of this program, and which is deployed",
		Long: `Version prints this program's release and the commit that it was built from. With --stack it asks each of that
stack's functions too, with a dry run, which writes nothing and calls no provider. It needs lambda:InvokeFunction.
The exit code is 1 where a function didn't answer.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&stack, "stack", "", "ask the functions of the stack `NAME`, such as token-refresh")
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error {
		told := toldVersions{Tokenctl: release.Version, Commit: commit()}
		lines := []string{"tokenctl " + ownVersion()}
		var failed []string
		if stack != "" {
			told.Functions = o.deployedVersions(cmd.Context(), stack)
		}
		for _, f := range told.Functions {
			lines = append(lines, strings.TrimSpace(f.Name+" "+f.Version+f.Error))
			if f.Error != "" {
				failed = append(failed, f.Name)
			}
		}
		err := o.print(cmd, told, strings.Join(lines, "\n"))
		if err == nil && len(failed) > 0 {
			err = fmt.Errorf("no version of %s", strings.Join(failed, ", "))
		}
		return err
	})
	return cmd
}

// deployedVersions asks the functions of a stack, all at once.
func (o *options) deployedVersions(ctx context.Context, stack string) []functionVersion {
	entries := catalog.All()
	all := make([]functionVersion, len(entries))
	var asking sync.WaitGroup
	for i, entry := range entries {
		all[i].Name = stack + "-refresh-" + entry.Name
		asking.Go(func() {
			function, err := invoke.NewDeployed(ctx, o.aws(), all[i].Name)
			var result handler.Result
			if err == nil {
				result, err = function.Invoke(ctx, invoke.Event{DryRun: true})
			}
			switch all[i].Version = result.Version; {
			case entry.OwnAccounts && errors.Is(err, invoke.ErrNoFunction):
				all[i].Name = "" // no account needs it
			case err != nil:
				all[i].Error = err.Error()
			case result.Version == "":
				all[i].Version = "before 0.9.0"
			}
		})
	}
	asking.Wait()
	return slices.DeleteFunc(all, func(f functionVersion) bool { return f.Name == "" })
}
