package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/terminal"
	"tokenrefresh/pkg/config"
)

// defaultPrefix is the first part of the names that the template gives.
const defaultPrefix = "token-refresh"

// options are the flags that every verb has.
type options struct {
	home, state               string
	secretPrefix, tablePrefix string
	region, profile, endpoint string
	providers                 []string // in use; empty: all
	asJSON                    bool

	began  bool // see codeOf
	watch  home.Watch
	notice string    // which home was chosen, if nobody named one
	errOut io.Writer // for the notice
}

// register adds the flags, with defaults from the environment.
func (o *options) register(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	env := func(name, otherwise string) string { return cmp.Or(os.Getenv(name), otherwise) }
	flags.StringVar(&o.home, "home", os.Getenv("TOKENCTL_HOME"), "home of state: aws or embedded ($TOKENCTL_HOME); "+
		"empty: embedded if its file is there and no AWS region is set, else aws")
	flags.StringVar(&o.state, "state", env("TOKENCTL_STATE", home.DefaultState(os.Getenv)),
		"embedded: the `FILE` of state ($TOKENCTL_STATE)")
	flags.StringVar(&o.secretPrefix, "secret-prefix", env("SECRET_PREFIX", defaultPrefix),
		"aws: first part of the secrets' names ($SECRET_PREFIX)")
	flags.StringVar(&o.tablePrefix, "table-prefix", env("TABLE_PREFIX", defaultPrefix),
		"aws: first part of the tables' names ($TABLE_PREFIX; $LEDGER_TABLE and $TRANSACTIONS_TABLE name them whole)")
	flags.StringSliceVar(&o.providers, "providers", list(os.Getenv("PROVIDERS")),
		"the `PROVIDERS` in use, separated by commas ($PROVIDERS; default all)")
	flags.StringVar(&o.region, "region", "", "aws: region ($AWS_REGION)")
	flags.StringVar(&o.endpoint, "endpoint-url", os.Getenv("AWS_ENDPOINT_URL"),
		"aws: the `URL` of an emulated AWS ($AWS_ENDPOINT_URL)")
	flags.StringVar(&o.profile, "profile", "", "aws: profile of the shared configuration ($AWS_PROFILE)")
	flags.BoolVar(&o.asJSON, "json", false, "print JSON")
	complete(cmd, "home", string(home.AWS), string(home.Embedded))
	complete(cmd, "providers", catalog.Names()...)
}

// list is a text's parts between commas.
func list(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' })
}

// chosen returns the providers of a verb's --provider, else those in use.
func (o *options) chosen(names ...string) ([]catalog.Entry, error) {
	flag := "--provider"
	if len(names) == 0 {
		names, flag = o.providers, "--providers"
	}
	entries, err := catalog.Select(names...)
	if err != nil {
		err = fmt.Errorf("%w: %s: %w", errUsage, flag, err)
	}
	return entries, err
}

// run is a verb's RunE, which begins with do.
func (o *options) run(do func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		o.began, o.errOut = true, cmd.ErrOrStderr()
		o.watch.Say = func(line string) { fmt.Fprintln(o.errOut, "tokenctl:", line) }
		o.settle(cmd)
		return o.explained(do(cmd, args))
	}
}

// explained is an error as people see it: only its reason, if that is the caller's own access to
// AWS.
func (o *options) explained(err error) error {
	t := o.watch.Trouble()
	switch {
	case err == nil, t == nil, errors.Is(err, errUsage), errors.Is(err, context.Canceled):
		return err
	case t.Beside:
		return fmt.Errorf("%w\n  %s: %s", err, t.Cause, t.Mend)
	}
	return t
}

// open opens the home that the flags name.
func (o *options) open(ctx context.Context, more home.Options) (*home.Home, error) {
	named, err := o.named(more)
	if err != nil {
		return nil, err
	}
	return home.Open(ctx, named)
}

// named adds the flags to options.
func (o *options) named(more home.Options) (home.Options, error) {
	o.tellHome()
	more.Kind, more.State = home.Kind(o.home), o.state
	if more.Kind != home.AWS && more.Kind != home.Embedded {
		return more, fmt.Errorf("%w: --home must be %s or %s", errUsage, home.AWS, home.Embedded)
	}
	if !config.ValidPrefix(o.secretPrefix) {
		return more, fmt.Errorf("%w: --secret-prefix must be a path of letters, digits and _ . @ + = -", errUsage)
	}
	more.SecretPrefix, more.Region, more.Profile, more.Watch = o.secretPrefix, o.region, o.profile, &o.watch
	more.Endpoint = o.endpoint
	more.LedgerTable = cmp.Or(os.Getenv("LEDGER_TABLE"), o.tablePrefix+"-ledger")
	more.TransactionsTable = cmp.Or(os.Getenv("TRANSACTIONS_TABLE"), o.tablePrefix+"-transactions")
	return more, nil
}

// given are the flags that name this home, even if variables named it: people type printed commands
// in another shell.
func (o *options) given(cmd *cobra.Command) string {
	var line []string
	add := func(name, value string) { line = append(line, "--"+name, quoted(value)) }
	if o.home == string(home.Embedded) {
		add("home", o.home)
		if path, err := filepath.Abs(o.state); err == nil && o.state != home.DefaultState(os.Getenv) {
			add("state", path)
		}
		return strings.Join(line, " ")
	}
	if cmd.Flags().Changed("home") || os.Getenv("TOKENCTL_HOME") != "" {
		add("home", o.home)
	}
	for _, flag := range []struct{ name, value, otherwise string }{
		{"secret-prefix", o.secretPrefix, defaultPrefix},
		{"table-prefix", o.tablePrefix, defaultPrefix},
		{"region", o.region, ""},
		{"profile", o.profile, ""},
		{"endpoint-url", o.endpoint, ""}, // or a printed command would go to AWS itself
	} {
		if flag.value != flag.otherwise {
			add(flag.name, flag.value)
		}
	}
	return strings.Join(line, " ")
}

// line is a command about an account, as people type it.
func (o *options) line(cmd *cobra.Command, verb string, t target) string {
	words := "tokenctl " + verb + " --provider " + t.provider
	if t.account != defaultAccount {
		words += " --account " + t.account
	}
	return strings.TrimSpace(words + " " + o.given(cmd))
}

// quoted is a word for a shell.
func quoted(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+=@:,-"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// print writes a result as JSON, if asked for, else as text. Nothing in it can control a terminal.
func (o *options) print(cmd *cobra.Command, result any, text string) error {
	return o.show(cmd, result, terminal.Visible(text))
}

// show is print for a coloured text whose other characters are visible already.
func (o *options) show(cmd *cobra.Command, result any, text string) error {
	out := cmd.OutOrStdout()
	if !o.asJSON {
		_, err := fmt.Fprintln(out, text)
		return err
	}
	var written strings.Builder
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(result); err != nil {
		return err
	}
	_, err := io.WriteString(out, terminal.Visible(written.String()))
	return err
}

// complain prints an error.
func complain(out io.Writer, err error) {
	_, _ = fmt.Fprintln(out, "tokenctl:", terminal.Visible(err.Error()))
}

// defaultAccount is used if no account is named.
const defaultAccount = "default"

// target is the one credential that a verb is about.
type target struct{ provider, account string }

func (t *target) register(cmd *cobra.Command, o *options) {
	t.registerOf(cmd, o, catalog.Choice(), catalog.Names())
}

// registerOf is register for some providers.
func (t *target) registerOf(cmd *cobra.Command, o *options, choice string, names []string) {
	cmd.Flags().StringVar(&t.provider, "provider", "", "the provider: "+choice)
	cmd.Flags().StringVar(&t.account, "account", defaultAccount, "the account with it")
	_ = cmd.MarkFlagRequired("provider")
	complete(cmd, "provider", names...)
	o.completeAccounts(cmd)
}

// check returns the provider.
func (t *target) check() (catalog.Entry, error) {
	entry, err := catalog.Find(t.provider)
	if err != nil {
		return entry, fmt.Errorf("%w: --provider: %w", errUsage, err)
	}
	return entry, validAccount(t.account)
}

func validAccount(name string) error {
	if !config.ValidAccount(name) {
		return fmt.Errorf("%w: --account must be up to 64 letters, digits and _ . @ + = -, the first a letter or digit", errUsage)
	}
	return nil
}
