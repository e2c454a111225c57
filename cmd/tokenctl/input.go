package main

import (
	"cmp"
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

// text is a text from a file or standard input.
type text struct {
	io.ReadCloser
	// size is in bytes; -1: not known.
	size int64
	// progress is the file beside it that keeps how far it has come; empty: there can be none.
	progress string
}

// openText opens a file; - is standard input.
func openText(cmd *cobra.Command, path string) (text, error) {
	if path == "-" {
		return text{io.NopCloser(cmd.InOrStdin()), -1, ""}, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return text{}, err
	}
	t := text{file, -1, ""}
	info, err := file.Stat()
	if err == nil && info.Mode().IsRegular() {
		t.size, t.progress = info.Size(), path+".progress"
	}
	return t, err
}

// readText reads a secret's text from a file; "" and "-" are standard input.
func readText(cmd *cobra.Command, path string) (secret.String, error) {
	from, err := openText(cmd, cmp.Or(path, "-"))
	if err != nil {
		return secret.String{}, err
	}
	defer func() { _ = from.Close() }()
	text, err := io.ReadAll(io.LimitReader(from, maxText+1))
	if err != nil {
		return secret.String{}, fmt.Errorf("read the text: %w", err)
	}
	if len(text) > maxText {
		return secret.String{}, fmt.Errorf("%w: the text is longer than %d bytes", errUsage, maxText)
	}
	return secret.New(strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff"))), nil
}

// person is who sits at the terminal of a command.
func person(cmd *cobra.Command) terminal.Person {
	return terminal.Person{In: cmd.InOrStdin(), Out: cmd.ErrOrStderr()}
}

// confirm asks at the terminal before something that is hard to undo. The error is errNothing if
// the answer is no, and errUsage without a terminal.
func confirm(cmd *cobra.Command, question string) error {
	if !terminal.Is(cmd.InOrStdin()) {
		return fmt.Errorf("%w: there is no terminal to ask at: give --yes if you mean it\n%s", errUsage, question)
	}
	answer, err := person(cmd).Ask(cmd.Context(), question+" [y/N]")
	if answer = strings.ToLower(answer); err == nil && answer != "y" && answer != "yes" {
		err = errNothing
	}
	return err
}
