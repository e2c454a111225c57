package main

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
)

// completeWithin is how long a shell waits for values; after that it gets none.
const completeWithin = 2 * time.Second

// complete gives the shell the values of a flag; without values, it offers no files either.
func complete(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// completeWith gives the shell the values that find returns. After an error there are none, and no
// message.
func completeWith(cmd *cobra.Command, flag string, find func(ctx context.Context, cmd *cobra.Command, begun string) []string) {
	type directive = cobra.ShellCompDirective
	_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, begun string) ([]string, directive) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), completeWithin)
		defer cancel()
		return find(ctx, cmd, begun), cobra.ShellCompDirectiveNoFileComp
	})
}

// completeAccounts gives the accounts of these providers, else of those on the line, else of all.
func (o *options) completeAccounts(cmd *cobra.Command, providers ...string) {
	completeWith(cmd, "account", func(ctx context.Context, cmd *cobra.Command, _ string) []string {
		o.settle(cmd) //nolint:contextcheck // it makes no call
		o.notice = ""
		h, err := o.open(ctx, home.Options{Existing: true})
		if err != nil {
			return nil
		}
		seen := map[string]bool{}
		var accounts []string
		for _, provider := range namedProviders(cmd, providers) {
			rows, err := h.Ledger.Rows(ctx, provider)
			if err != nil {
				return nil
			}
			for _, row := range rows {
				if !seen[row.Account] {
					seen[row.Account] = true
					accounts = append(accounts, row.Account)
				}
			}
		}
		return accounts
	})
}

// namedProviders are those that a verb is about, else those of the line, else all.
func namedProviders(cmd *cobra.Command, providers []string) []string {
	flag := cmd.Flags().Lookup("provider")
	switch {
	case len(providers) > 0:
		return providers
	case flag == nil || !flag.Changed:
		return catalog.Names()
	}
	return strings.Split(strings.Trim(flag.Value.String(), "[]"), ",") // of one, or of a list
}

// completeFunctions gives the functions of this project in the region.
func (o *options) completeFunctions(cmd *cobra.Command) {
	completeWith(cmd, "function", func(ctx context.Context, _ *cobra.Command, begun string) []string {
		cfg, err := home.LoadAWS(ctx, home.Options{Region: o.region, Profile: o.profile, Endpoint: o.endpoint}, completeWithin)
		if err != nil {
			return nil
		}
		var names []string
		pages := lambda.NewListFunctionsPaginator(lambda.NewFromConfig(cfg), &lambda.ListFunctionsInput{})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return names
			}
			for _, f := range page.Functions {
				for _, provider := range catalog.Names() {
					if name := aws.ToString(f.FunctionName); strings.HasSuffix(name, "-refresh-"+provider) && strings.HasPrefix(name, begun) {
						names = append(names, name)
					}
				}
			}
		}
		return names
	})
}
