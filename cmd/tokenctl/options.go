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
	"tokenrefresh/pkg/store"
)

// defaultPrefix is the first part of the names that the template gives.
const defaultPrefix = "token-refresh"

// options are the flags that every verb has.
type options struct {
	home                      home.Kind
	state                     string
	secretPrefix, tablePrefix string
	region, profile, endpoint string
	providers                 []catalog.Entry // in use; empty: all
	asJSON                    bool

	wrong  error // about the defaults of flags
	began  bool  // see codeOf
	watch  home.Watch
	notice string    // which home was chosen, if nobody named one
	errOut io.Writer // for the notice
}

// register adds the flags, with defaults from the environment.
func (o *options) register(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	env := func(name, otherwise string) string { return cmp.Or(os.Getenv(name), otherwise) }
	o.flagIn(cmd, flags, "home", os.Getenv("TOKENCTL_HOME"), "home of state: aws or embedded ($TOKENCTL_HOME); "+
		"empty: embedded if its file is there and no AWS region is set, else aws", choice(&o.home, home.AWS, home.Embedded))
	flags.StringVar(&o.state, "state", env("TOKENCTL_STATE", home.DefaultState(os.Getenv)),
		"embedded: the `FILE` of state ($TOKENCTL_STATE)")
	o.flagIn(cmd, flags, "secret-prefix", env("SECRET_PREFIX", defaultPrefix),
		"aws: first part of the secrets' names ($SECRET_PREFIX)", one(&o.secretPrefix, "string", prefix))
	flags.StringVar(&o.tablePrefix, "table-prefix", env("TABLE_PREFIX", defaultPrefix),
		"aws: first part of the tables' names ($TABLE_PREFIX; $LEDGER_TABLE and $TRANSACTIONS_TABLE name them whole)")
	o.flagIn(cmd, flags, "providers", os.Getenv("PROVIDERS"),
		"the `PROVIDERS` in use, separated by commas ($PROVIDERS; default all)", someProviders(&o.providers))
	flags.StringVar(&o.region, "region", "", "aws: region ($AWS_REGION)")
	flags.StringVar(&o.endpoint, "endpoint-url", os.Getenv("AWS_ENDPOINT_URL"),
		"aws: the `URL` of an emulated AWS ($AWS_ENDPOINT_URL)")
	flags.StringVar(&o.profile, "profile", "", "aws: profile of the shared configuration ($AWS_PROFILE)")
	flags.BoolVar(&o.asJSON, "json", false, "print JSON")
}

// chosen returns the providers of a verb's --provider, else those in use.
func (o *options) chosen(some ...catalog.Entry) []catalog.Entry {
	if len(some) > 0 && some[0].Name != "" {
		return some
	}
	return catalog.OrAll(o.providers)
}

// run is a verb's RunE, which begins with do.
func (o *options) run(do func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		o.began, o.errOut = true, cmd.ErrOrStderr()
		o.watch.Say = func(line string) { fmt.Fprintln(o.errOut, "tokenctl:", line) }
		if o.wrong != nil {
			return o.wrong
		}
		o.settle(cmd)
		return o.explained(do(cmd, args))
	}
}

// explained is an error as people see it: only its reason, if that is the caller's own access to
// AWS.
func (o *options) explained(err error) error {
	t := o.watch.Trouble()
	switch {
	case errors.Is(err, context.Canceled): // whatever it was at
		return errStopped
	case err == nil, t == nil, errors.Is(err, errUsage):
		return err
	case t.Beside:
		return fmt.Errorf("%w\n  %s: %s", err, t.Cause, t.Mend)
	}
	return t
}

// open opens the home that the flags name.
func (o *options) open(ctx context.Context, more home.Options) (*home.Home, error) {
	return home.Open(ctx, o.named(more))
}

// aws are the flags that name an AWS account and region.
func (o *options) aws() home.Options {
	return home.Options{Region: o.region, Profile: o.profile, Endpoint: o.endpoint, Watch: &o.watch}
}

// named adds the flags to options.
func (o *options) named(more home.Options) home.Options {
	if o.notice != "" { // once
		fmt.Fprintln(o.errOut, "tokenctl:", o.notice)
		o.notice = ""
	}
	more.Kind, more.State, more.SecretPrefix = o.home, o.state, o.secretPrefix
	more.Region, more.Profile, more.Endpoint, more.Watch = o.region, o.profile, o.endpoint, &o.watch
	more.LedgerTable = cmp.Or(os.Getenv("LEDGER_TABLE"), o.tablePrefix+"-ledger")
	more.TablePrefix = o.tablePrefix
	more.TransactionsTable = cmp.Or(os.Getenv("TRANSACTIONS_TABLE"), o.tablePrefix+"-transactions")
	return more
}

// given are the flags that name this home, even if variables named it: people type printed commands
// in another shell.
func (o *options) given(cmd *cobra.Command) string {
	var line []string
	add := func(name, value string) { line = append(line, "--"+name, quoted(value)) }
	if o.home == home.Embedded {
		add("home", string(o.home))
		if path, err := filepath.Abs(o.state); err == nil && o.state != home.DefaultState(os.Getenv) {
			add("state", path)
		}
		return strings.Join(line, " ")
	}
	if cmd.Flags().Changed("home") || os.Getenv("TOKENCTL_HOME") != "" {
		add("home", string(o.home))
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

// functions are the names of providers' functions in the stack of the table prefix.
func (o *options) functions(providers ...string) []string {
	var names []string
	for _, provider := range providers {
		names = append(names, o.tablePrefix+"-refresh-"+provider)
	}
	return names
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
type target struct {
	provider catalog.Entry
	account  string
}

// register adds the flags that name it: one of some providers. others says why it can be no other.
func (t *target) register(cmd *cobra.Command, o *options, some []catalog.Entry, others string) {
	o.flag(cmd, "provider", "", "the provider: "+either(catalog.NamesOf(some)...), oneProvider(&t.provider, some, others))
	_ = cmd.MarkFlagRequired("provider")
	o.account(cmd, &t.account, defaultAccount, "the account with it")
}

func (t *target) key() store.Key { return store.Key{Provider: t.provider.Name, Account: t.account} }

// settle chooses a home if neither --home nor $TOKENCTL_HOME names one: the state file, if --state
// names it or if it exists and no AWS region is set; else AWS. All verbs have this default.
func (o *options) settle(cmd *cobra.Command) {
	if o.home != "" {
		return
	}
	_, err := os.Stat(o.state)
	region := home.Region(cmd.Context(), o.aws())
	o.home = home.AWS
	switch {
	case cmd.Flags().Changed("state"):
		o.home = home.Embedded
	case region != "":
		o.notice = fmt.Sprintf("home: AWS in %s (--home embedded for a state file)", region)
	case err != nil:
		o.notice = fmt.Sprintf("home: AWS, as there is no state file %s (--home embedded begins one)", o.state)
	default:
		o.home = home.Embedded
		o.notice = fmt.Sprintf("home: the state file %s, as no AWS region is set (--home says otherwise)", o.state)
	}
}

// engine are the flags of the verbs that call providers from here.
type engine struct{ environment string }

func (e *engine) register(cmd *cobra.Command, o *options) {
	o.flag(cmd, "environment", cmp.Or(os.Getenv("PROVIDER_ENVIRONMENT"), "production"),
		"the environment of credentials without a base_url: production or sandbox ($PROVIDER_ENVIRONMENT)",
		choice(&e.environment, "production", "sandbox"))
}

// config is the engines' configuration from the flags, and from the variables that functions have
// too.
func (e *engine) config() (config.Config, error) {
	cfg, err := config.ForMachine(os.Getenv)
	if err != nil {
		return cfg, fmt.Errorf("%w: %w", errUsage, err)
	}
	cfg.ProviderEnvironment = e.environment
	return cfg, nil
}
