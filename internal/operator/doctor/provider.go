package doctor

import (
	"context"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/config"
)

// provider is the part of a stack for one provider.
type provider struct {
	*stack
	entry    catalog.Entry
	function string // the names of the function and of its schedule are one

	settings once[*lambda.GetFunctionConfigurationOutput]
	schedule once[*scheduler.GetScheduleOutput]
}

func (p *provider) checks() []Check {
	checks := []Check{
		{Name: "function", After: stackCheck, Look: p.functionSet},
		{Name: "dry run", After: stackCheck, Look: p.dryRun, Limit: dryRunLimit},
		{Name: "schedule", After: stackCheck, Look: p.scheduled},
		{Name: "secrets", After: awsCheck, Look: p.secretsInOrder},
		{Name: "address", After: awsCheck, Look: p.reach},
		{Name: "credentials", After: awsCheck, Look: p.credentials},
	}
	for i, c := range checks {
		checks[i].Name = p.entry.Name + " " + c.Name
		if c.Name != "schedule" || p.entry.OwnAccounts { // which says that the rest is switched off
			checks[i].Look = func(ctx context.Context) []Finding {
				if p.off(ctx) {
					return nil
				}
				return c.Look(ctx)
			}
		}
	}
	return checks
}

// off reports whether the stack was deployed without this provider. If somebody has switched the
// schedule off later, its alarms still exist.
func (p *provider) off(ctx context.Context) bool {
	schedule, err := p.getSchedule(ctx)
	without := isAbsent(err) && p.entry.OwnAccounts // it exists for its accounts alone
	if !without && (err != nil || schedule.State != types.ScheduleStateDisabled) {
		return false
	}
	alarms, err := p.getAlarms(ctx)
	_, watched := alarms[p.function+"-expiry"]
	return err == nil && !watched
}

func (p *provider) getFunction(ctx context.Context) (*lambda.GetFunctionConfigurationOutput, error) {
	return p.settings.get(func() (*lambda.GetFunctionConfigurationOutput, error) {
		return p.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &p.function})
	})
}

func (p *provider) getSchedule(ctx context.Context) (*scheduler.GetScheduleOutput, error) {
	return p.schedule.get(func() (*scheduler.GetScheduleOutput, error) {
		return p.scheduler.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: &p.function})
	})
}

// getenv reads the function's variables; none if they cannot be read.
func (p *provider) getenv(ctx context.Context) func(string) string {
	deployed, err := p.getFunction(ctx)
	if err != nil || deployed.Environment == nil {
		return func(string) string { return "" }
	}
	return func(name string) string { return deployed.Environment.Variables[name] }
}

// read is the function's configuration, by the function's own rules; its defaults if it cannot be
// read.
func (p *provider) read(ctx context.Context) (config.Config, error) {
	if p.entry.Sweep {
		return config.ForSweep(p.getenv(ctx))
	}
	return config.ForRefresh(p.getenv(ctx))
}

// known are the accounts that the function keeps fresh, as far as can be read: those of its
// environment and of the ledger.
func (p *provider) known(ctx context.Context) []string {
	settings, _ := p.read(ctx)
	return accounts(ctx, p.Home, p.entry, settings.Accounts)
}

// wanted are all accounts that matter.
func (p *provider) wanted(ctx context.Context) []string {
	return unique(append(p.known(ctx), p.Accounts...))
}

func (p *provider) group(ctx context.Context) group {
	settings, _ := p.read(ctx)
	return group{p.Home, p.entry, p.wanted(ctx), settings.ProviderEnvironment, p.Flags}
}

// seedLine is the line that puts an account's credentials in.
func (p *provider) seedLine(account string) string {
	return group{entry: p.entry, flags: p.Flags}.seedLine(account)
}

// accounts are those that a ledger names, and others.
func accounts(ctx context.Context, h *home.Home, entry catalog.Entry, others []string) []string {
	all := slices.Clone(others)
	rows, _ := h.Ledger.Rows(ctx, entry.Name)
	for _, row := range rows {
		if config.ValidAccount(row.Account) { // and not the claim of a shard
			all = append(all, row.Account)
		}
	}
	return unique(all)
}

// unique sorts, and removes duplicates.
func unique(all []string) []string {
	slices.Sort(all)
	return slices.Compact(all)
}

// once fetches once what several checks need.
type once[T any] struct {
	sync.Once
	value T
	err   error
}

func (o *once[T]) get(ask func() (T, error)) (T, error) {
	o.Do(func() { o.value, o.err = ask() })
	return o.value, o.err
}
