package main

import (
	"github.com/spf13/cobra"
)

const help = `Tokenctl looks after the tokens of providers, and after the functions that refresh them.

It works on either home of state: on AWS, where the functions keep theirs, or on a file
of a single machine (--home embedded). On AWS it uses what AWS's own command line uses:
environment variables, profiles, SSO, AWS_ENDPOINT_URL. Where nothing names a home it takes
the state file if there is one and no AWS region is set, else AWS, and says so.

Secrets are read from a file, standard input or a hidden prompt, never from an argument, and
never printed; token and exec alone hand out an access token.

Exit codes:
  0  done
  1  failed; the message says why and what to do
  2  wrong usage
  3  a person must act: an outcome is dead, uncertain, misconfigured or persist_failed,
     or status says so
  4  partly done: some records were refused or not stored, and told of
  5  nothing was done: a run is at work, a person paused the account, or you said no`

func root(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:           "tokenctl",
		Short:         "The operator's command of token-refresh",
		Long:          help,
		Version:       ownVersion(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.CompletionOptions.HiddenDefaultCmd = false
	o.register(cmd)
	cmd.AddCommand(local(o), victim(o), run(o), statuses(o), examine(o), refreshes(o), resolves(o), record(o), seeds(o), login(o),
		pause(o), resume(o), removes(o), tokens(o), executes(o), versions(o), playground(o), deads(o), revives(o))
	return cmd
}
