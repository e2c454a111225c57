package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/demo"
)

// local is the demonstration: everything on this machine, nothing to set up.
func local(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "local",
		Short: "Show the main job on this machine: no AWS account, no Docker",
		Long: "Local runs the functions' handlers against the providers' sandboxes on the loopback\n" +
			"interface and a state file in a temporary directory, kills two attempts on the way, and prints\n" +
			"what happened. Nothing is left behind.",
		Args: cobra.NoArgs,
		RunE: o.run(func(cmd *cobra.Command, _ []string) error {
			if o.asJSON {
				return fmt.Errorf("%w: local tells a story for people: leave --json out", errUsage)
			}
			return demo.Run(cmd.Context(), cmd.OutOrStdout(), victimArgs)
		}),
	}
}

// victimArgs are the arguments with which this program becomes a victim.
func victimArgs(path string, ahead time.Duration, moment demo.Moment) []string {
	return []string{"victim", path, ahead.String(), string(moment)}
}

// victim is the process that local kills.
func victim(o *options) *cobra.Command {
	return &cobra.Command{
		Use:    "victim STATE AHEAD MOMENT",
		Hidden: true,
		Args:   cobra.ExactArgs(3),
		RunE: o.run(func(cmd *cobra.Command, args []string) error {
			ahead, err := time.ParseDuration(args[1])
			if err != nil {
				return err
			}
			return demo.Victim(cmd.Context(), args[0], ahead, demo.Moment(args[2]))
		}),
	}
}
