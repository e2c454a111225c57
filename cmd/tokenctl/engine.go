package main

import (
	"cmp"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"tokenrefresh/pkg/config"
)

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
