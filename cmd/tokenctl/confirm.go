package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/terminal"
)

// confirm asks at the terminal before something that is hard to undo. The error is errNothing if
// the answer is no, and errUsage without a terminal.
func confirm(cmd *cobra.Command, question string) error {
	if !terminal.Is(cmd.InOrStdin()) {
		return fmt.Errorf("%w: there is no terminal to ask at: give --yes if you mean it\n%s", errUsage, question)
	}
	answer, err := person{cmd}.Ask(question + " [y/N]")
	if err != nil {
		return err
	}
	switch strings.ToLower(answer) {
	case "y", "yes":
		return nil
	}
	return errNothing
}
