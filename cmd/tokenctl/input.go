package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/terminal"
	"tokenrefresh/pkg/secret"
)

// maxText is how long a secret's text may be: beyond it the wrong file was named.
const maxText = 1 << 20

// readText reads a secret's text from a file; "" and "-" are standard input.
func readText(cmd *cobra.Command, path string) (secret.String, error) {
	from := cmd.InOrStdin()
	if path != "" && path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return secret.String{}, err
		}
		defer func() { _ = file.Close() }()
		from = file
	}
	text, err := io.ReadAll(io.LimitReader(from, maxText+1))
	if err != nil {
		return secret.String{}, fmt.Errorf("read the text: %w", err)
	}
	if len(text) > maxText {
		return secret.String{}, fmt.Errorf("%w: the text is longer than %d bytes", errUsage, maxText)
	}
	return secret.New(strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff"))), nil
}

// person answers at the terminal of a command.
type person struct{ cmd *cobra.Command }

// Ask implements seed.Person.
func (p person) Ask(question string) (string, error) {
	return terminal.Ask(p.cmd.Context(), p.cmd.InOrStdin(), p.cmd.ErrOrStderr(), question)
}

// AskHidden implements seed.Person.
func (p person) AskHidden(question string, done func(text string) bool) (secret.String, error) {
	return terminal.AskHidden(p.cmd.Context(), p.cmd.InOrStdin(), p.cmd.ErrOrStderr(), question, done)
}
