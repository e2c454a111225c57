package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"tokenrefresh/internal/authority"
	"tokenrefresh/internal/emulate"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/seed"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/internal/template"
)

const (
	// sandboxPrefix begins the names that samconfig.toml's local profiles use.
	sandboxPrefix = "token-refresh-sandbox"
	// localStack is the SAM CLI's name for the stack.
	localStack = "local"
	// localRegion is the one of samconfig.toml's local profiles.
	localRegion = "us-east-1"
	// maxTransactions is far more than a person needs.
	maxTransactions = 10_000
)

// shortLives are short, so that people see tokens being refreshed.
const shortLives = "hesabe=2m,tconnect=5m/1h,berbix=2m,oauth2=2m"

// playing are the flags of sandbox.
type playing struct {
	aws, template, dir string
	box                sandbox.Options
	faults             []sandbox.Injection
	transactions       int
}

// playground makes the verb that serves the providers, for people who try the product.
func playground(o *options) *cobra.Command {
	var p playing
	cmd := &cobra.Command{
		Use:   "sandbox [--tls] [--aws URL]",
		Short: "Serve the providers on this machine, to try everything without them",
		Long: `Sandbox plays all providers on this machine until it is interrupted. It puts their credentials and
some Berbix transactions into a state file, or with --aws into an emulated AWS, and prints the commands to type next.
Everything it hands out is made up. Each start has new credentials.

With --aws it first makes the tables, secrets and queues of template.yaml in the emulated AWS (moto, for example). It
never calls the real one. Without --region the region is us-east-1, as in samconfig.toml's local profiles, whatever
AWS_REGION is.

With --tls it serves https, listens on all addresses, and is host.docker.internal to the containers of "sam local". Its
certificate authority lies in --dir and lasts; local builds of the functions trust it.

A fault is PROVIDER[/refresh|/login]=FAULT[*TIMES]; without TIMES it is for all calls. FAULT is one of
` + strings.Join(sandbox.FaultNames, ", ") + `.`,
		Example: `  tokenctl sandbox --life hesabe=1m --life tconnect=5m/1h
  tokenctl sandbox --fault hesabe/refresh=status:503*3 --fault berbix=slow:5s
  tokenctl sandbox --tls --aws http://127.0.0.1:5000`,
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVar(&p.aws, "aws", "", "put the credentials into the emulated AWS at this `URL`")
	flags.StringVar(&p.template, "template", "template.yaml", "with --aws: the `FILE` that says what AWS holds")
	flags.StringVar(&p.dir, "dir", "", "the `FOLDER` of the state file and the certificate authority\n"+
		"(default .aws-sam/sandbox beside a template.yaml, else below the user's state folder)")
	flags.BoolVar(&p.box.TLS, "tls", false, "serve https, for containers too")
	flags.StringVar(&p.box.Host, "host", "", "the `NAME` of this machine in the providers' addresses\n"+
		"(default 127.0.0.1; with --tls localhost, or host.docker.internal in an emulated AWS)")
	flags.StringVar(&p.box.Listen, "listen", "", "the `ADDRESS` to listen on (default 127.0.0.1; with --tls 0.0.0.0)")
	p.box.Lifetimes = map[sandbox.Provider]sandbox.Lifetime{}
	o.flag(cmd, "life", shortLives, "how long tokens live, as `PROVIDER=ACCESS[/REFRESH]`; may be given again", p.lives())
	o.flag(cmd, "fault", "", "a `FAULT` to switch on; may be given again", many(&p.faults, "stringArray", sandbox.ParseInjection))
	o.flag(cmd, "transactions", 3, "how many Berbix transactions to make", whole(&p.transactions, 0, maxTransactions))
	_, _ = cmd.MarkFlagFilename("template"), cmd.MarkFlagDirname("dir")
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error { return p.do(cmd, o) })
	return cmd
}

func (p *playing) do(cmd *cobra.Command, o *options) error {
	p.serves()
	report := playReport{Providers: map[string]string{}}
	if p.box.TLS {
		var err error
		if p.box.Authority, err = authority.Open(p.folder()); err != nil {
			return err
		}
		if err := p.trust(p.box.Authority); err != nil {
			return err
		}
		report.CA = authority.Path(p.folder())
	}
	box, err := sandbox.Start(p.box)
	if err != nil {
		return err
	}
	defer box.Close()
	for _, provider := range seed.Played() {
		report.Providers[provider.Name] = box.URL(sandbox.Provider(provider.Name))
	}
	h, err := p.open(cmd, o, &report)
	if err != nil {
		return err
	}
	if err := seed.Sandbox(cmd.Context(), h, box, p.transactions); err != nil {
		return err
	}
	for _, i := range p.faults {
		box.Inject(i.Provider, i.Op, i.Times, i.Fault)
	}
	if err := o.print(cmd, report, report.text()); err != nil {
		return err
	}
	<-cmd.Context().Done()
	return nil
}

// lives takes the lives of providers.
func (p *playing) lives() *checked {
	return &checked{kind: "strings", set: func(texts ...string) error {
		for _, text := range texts {
			provider, life, err := sandbox.ParseLifetime(text)
			if err != nil {
				return err
			}
			p.box.Lifetimes[provider] = life
		}
		return nil
	}}
}

// serves sets where the providers are.
func (p *playing) serves() {
	host, listen := "127.0.0.1", ""
	switch {
	case p.box.TLS && p.aws != "":
		host, listen = sandbox.ContainersHost, "0.0.0.0"
	case p.box.TLS:
		host, listen = "localhost", "0.0.0.0"
	}
	p.box.Host, p.box.Listen = cmp.Or(p.box.Host, host), cmp.Or(p.box.Listen, listen)
}

// folder is the folder of the state file and the authority.
func (p *playing) folder() string {
	if p.dir != "" {
		return p.dir
	}
	if _, err := os.Stat("template.yaml"); err == nil {
		return filepath.Join(".aws-sam", "sandbox")
	}
	return filepath.Join(filepath.Dir(home.DefaultState(os.Getenv)), "sandbox")
}

// trust puts the authority into functions that were built already. Later builds take it by
// themselves.
func (p *playing) trust(a *authority.Authority) error {
	functions, err := filepath.Glob(filepath.Join(".aws-sam", "local", "*", "bootstrap"))
	if err != nil {
		return err
	}
	for _, function := range functions {
		dir := filepath.Join(filepath.Dir(function), "certificates")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(authority.Path(dir), a.PEM(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// open opens the home that gets the credentials.
func (p *playing) open(cmd *cobra.Command, o *options, report *playReport) (*home.Home, error) {
	if p.aws == "" {
		state := o.state
		if !cmd.Flags().Changed("state") {
			state = filepath.Join(p.folder(), "state.db")
		}
		if err := os.MkdirAll(filepath.Dir(state), 0o700); err != nil {
			return nil, err
		}
		report.State = state
		return home.Open(cmd.Context(), home.Options{Kind: home.Embedded, State: state})
	}
	cfg, err := p.emulated(o.region)
	if err != nil {
		return nil, err
	}
	for flag, variable := range map[string]string{"secret-prefix": "SECRET_PREFIX", "table-prefix": "TABLE_PREFIX"} {
		if !cmd.Flags().Changed(flag) && os.Getenv(variable) == "" {
			_ = cmd.Flags().Set(flag, sandboxPrefix)
		}
	}
	if err := p.provision(cmd.Context(), cfg, o); err != nil {
		return nil, err
	}
	report.AWS = &playAWS{URL: p.aws, Region: cfg.Region, SecretPrefix: o.secretPrefix, TablePrefix: o.tablePrefix}
	return home.FromAWS(cfg, home.Options{
		SecretPrefix: o.secretPrefix, TablePrefix: o.tablePrefix,
		LedgerTable: o.tablePrefix + "-ledger", TransactionsTable: o.tablePrefix + "-transactions",
	}), nil
}

// emulated has the settings for an emulated AWS. Its keys are not valid on AWS.
func (p *playing) emulated(region string) (aws.Config, error) {
	switch u, err := url.Parse(p.aws); {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return aws.Config{}, fmt.Errorf("%w: --aws must be an http or https address such as http://127.0.0.1:5000", errUsage)
	case strings.Contains(u.Hostname(), "amazonaws") || strings.HasSuffix(u.Hostname(), ".aws"):
		return aws.Config{}, fmt.Errorf("%w: --aws must be an emulated AWS, and %s is the real one", errUsage, u.Hostname())
	}
	return aws.Config{
		Region: cmp.Or(region, localRegion), BaseEndpoint: aws.String(strings.TrimSuffix(p.aws, "/")),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "testing", SecretAccessKey: "testing"}, nil
		}),
	}, nil
}

// provision creates the template's resources in the emulated AWS, the queues of transactions included.
func (p *playing) provision(ctx context.Context, cfg aws.Config, o *options) error {
	loaded, err := template.Load(p.template)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: run it in the project's folder, or name its template.yaml with --template", err)
	}
	if err != nil {
		return err
	}
	parameters := map[string]string{
		"SecretPrefix": o.secretPrefix, "TablePrefix": o.tablePrefix, "AWS::StackName": localStack, "AWS::Region": cfg.Region,
	}
	for _, provider := range sweeps {
		parameters[provider.QueueParameter()] = "2"
	}
	stack, err := loaded.Stack(parameters)
	if err != nil {
		return err
	}
	if err := emulate.State(ctx, cfg, stack); err != nil {
		return fmt.Errorf("no emulated AWS answers well at %s: %w", p.aws, err)
	}
	return nil
}

// playReport describes what sandbox has set up.
type playReport struct {
	Providers map[string]string `json:"providers"` // their addresses
	CA        string            `json:"ca,omitempty"`
	State     string            `json:"state,omitempty"` // the state file
	AWS       *playAWS          `json:"aws,omitempty"`
}

// playAWS is the emulated AWS.
type playAWS struct {
	URL          string `json:"url"`
	Region       string `json:"region"`
	SecretPrefix string `json:"secret_prefix"`
	TablePrefix  string `json:"table_prefix"`
}

// text shows people what there is, and what to type next.
func (r playReport) text() string {
	var b strings.Builder
	add := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "  %-12s"+format+"\n", append([]any{what}, args...)...)
	}
	for _, provider := range seed.Played() {
		add(provider.Name, "%s", r.Providers[provider.Name])
	}
	if r.State != "" {
		add("state file", "%s, with their credentials", r.State)
	}
	if r.AWS != nil {
		add("AWS", "%s, region %s, with their credentials in %s/*", r.AWS.URL, r.AWS.Region, r.AWS.SecretPrefix)
	}
	if r.CA != "" {
		add("trust", "%s", r.CA)
	}
	b.WriteString("\nIn other terminals:\n\n  " + strings.Join(r.commands(), "\n  "))
	return b.String() + "\n\nAn interrupt (Ctrl-C) ends the providers."
}

// commands are the next commands to type.
func (r playReport) commands() []string {
	variables, trust, home := "", "", " --home embedded --state "+quoted(r.State)
	if r.AWS != nil {
		variables = fmt.Sprintf("AWS_ENDPOINT_URL=%s AWS_REGION=%s AWS_ACCESS_KEY_ID=testing AWS_SECRET_ACCESS_KEY=testing ",
			quoted(r.AWS.URL), quoted(r.AWS.Region))
		home = fmt.Sprintf(" --home aws --secret-prefix %s --table-prefix %s", quoted(r.AWS.SecretPrefix), quoted(r.AWS.TablePrefix))
	}
	if r.CA != "" {
		trust = "SSL_CERT_FILE=" + quoted(r.CA) + " "
	}
	self := quoted(os.Args[0])
	if r.AWS != nil && r.CA != "" {
		profile := cmp.Or(map[string]string{"arm64": "local-arm64"}[runtime.GOARCH], "local")
		return []string{
			"sam build --config-env " + profile,
			"sam local invoke RefreshHesabe --config-env " + profile + " --region " + r.AWS.Region +
				" --event events/refresh-hesabe/scheduled.json",
			variables + self + " status" + home,
		}
	}
	return []string{
		variables + trust + self + " run" + home + " --every 5s",
		variables + self + " status" + home + " --watch",
		variables + trust + self + " refresh" + home + " --provider hesabe --force",
	}
}
