package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"tokenrefresh/pkg/config"
)

// environments are those of the providers.
var environments = []string{"production", "sandbox"}

// engine are the flags of the verbs that call providers from here.
type engine struct{ environment string }

func (e *engine) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&e.environment, "environment", cmp.Or(os.Getenv("PROVIDER_ENVIRONMENT"), environments[0]),
		"the environment of credentials without a base_url: production or sandbox ($PROVIDER_ENVIRONMENT)")
	complete(cmd, "environment", environments...)
}

// config is the engines' configuration from the flags, and from the variables that functions have
// too.
func (e *engine) config() (config.Config, error) {
	if !slices.Contains(environments, e.environment) {
		return config.Config{}, fmt.Errorf("%w: --environment must be %s or %s", errUsage, environments[0], environments[1])
	}
	cfg, err := config.ForMachine(os.Getenv)
	if err != nil {
		return cfg, fmt.Errorf("%w: %w", errUsage, err)
	}
	cfg.ProviderEnvironment = e.environment
	return cfg, nil
}
