package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/pkg/config"
)

// checked is a flag whose value is checked while the line is parsed.
type checked struct {
	kind  string // for the help: of a string, of strings with commas between them, of a stringArray without
	words []string
	set   func(values ...string) error
	given []string
}

// Set implements pflag.Value.
func (c *checked) Set(text string) error {
	switch c.kind {
	case "strings":
		c.given = append(c.given, list(text)...)
	case "stringArray":
		c.given = append(c.given, text)
	default:
		c.given = []string{text}
	}
	return c.set(c.given...)
}

// String implements pflag.Value.
func (c *checked) String() string { return strings.Join(c.given, ",") }

// Type implements pflag.Value.
func (c *checked) Type() string { return c.kind }

// list is a text's parts between commas.
func list(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' })
}

// flag adds a flag to a verb, with its default.
func (o *options) flag(cmd *cobra.Command, name string, otherwise any, usage string, c *checked) {
	o.flagIn(cmd, cmd.Flags(), name, otherwise, usage, c)
}

// flagIn adds a flag to one of a command's sets. A default that is wrong comes from the environment:
// it is an error when a verb begins.
func (o *options) flagIn(cmd *cobra.Command, flags *pflag.FlagSet, name string, otherwise any, usage string, c *checked) {
	if text := fmt.Sprint(otherwise); text != "" {
		if err := c.Set(text); err != nil {
			o.wrong = errors.Join(o.wrong, fmt.Errorf("%w: the default of --%s: %w", errUsage, name, err))
		}
	}
	flags.Var(c, name, usage)
	c.given = nil // what is given replaces the default
	if len(c.words) > 0 {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(c.words, cobra.ShellCompDirectiveNoFileComp))
	}
}

// choice takes one of some words.
func choice[T ~string](to *T, words ...T) *checked {
	c := &checked{kind: "string", set: func(values ...string) error {
		*to = T(values[0])
		if !slices.Contains(words, *to) {
			return fmt.Errorf("must be %s", either(words...))
		}
		return nil
	}}
	for _, word := range words {
		c.words = append(c.words, string(word))
	}
	return c
}

// choices takes any of some words.
func choices[T ~string](to *[]T, words ...T) *checked {
	var one T
	each := choice(&one, words...)
	return &checked{kind: "strings", words: each.words, set: func(values ...string) error {
		*to = nil
		for _, value := range values {
			if err := each.set(value); err != nil {
				return err
			}
			*to = append(*to, one)
		}
		return nil
	}}
}

// either lists words for people: "a, b or c".
func either[T ~string](words ...T) string {
	text := ""
	for i, word := range words {
		switch {
		case i > 0 && i == len(words)-1:
			text += " or "
		case i > 0:
			text += ", "
		}
		text += string(word)
	}
	return text
}

// oneProvider takes one of some providers. others says why it can be no other.
func oneProvider(to *catalog.Entry, some []catalog.Entry, others string) *checked {
	names := catalog.NamesOf(some)
	return &checked{kind: "string", words: names, set: func(values ...string) (err error) {
		if *to, err = catalog.Find(values[0]); err == nil && !slices.Contains(names, values[0]) {
			err = fmt.Errorf("%s %s", values[0], others)
		}
		return err
	}}
}

// someProviders takes any of all providers.
func someProviders(to *[]catalog.Entry) *checked {
	return &checked{kind: "strings", words: catalog.Names(), set: func(names ...string) (err error) {
		*to, err = catalog.Select(names...)
		return err
	}}
}

// account adds the flag for an account of these providers, else of those on the line.
func (o *options) account(cmd *cobra.Command, to *string, otherwise, usage string, providers ...string) {
	o.flag(cmd, "account", otherwise, usage, &checked{kind: "string", set: func(names ...string) error {
		*to = names[0]
		return validAccounts(names...)
	}})
	o.completeAccounts(cmd, providers...)
}

// accounts adds the flag for many.
func (o *options) accounts(cmd *cobra.Command, to *[]string, usage string) {
	o.flag(cmd, "account", "", usage, &checked{kind: "strings", set: func(names ...string) error {
		*to = names
		return validAccounts(names...)
	}})
	o.completeAccounts(cmd)
}

func validAccounts(names ...string) error {
	for _, name := range names {
		if !config.ValidAccount(name) {
			return errors.New("must be up to 64 letters, digits and _ . @ + = -, the first a letter or digit")
		}
	}
	return nil
}

// prefix takes the first part of secrets' names.
func prefix(to *string) *checked {
	return &checked{kind: "string", set: func(values ...string) error {
		*to = values[0]
		if !config.ValidPrefix(*to) {
			return errors.New("must be a path of letters, digits and _ . @ + = -")
		}
		return nil
	}}
}

// within takes what read understands, if it lies between two bounds; what says so.
func within[T cmp.Ordered](to *T, kind, what string, read func(string) (T, error), least, most T) *checked {
	return &checked{kind: kind, set: func(values ...string) error {
		value, err := read(values[0])
		if err != nil || value < least || value > most {
			return errors.New("must be " + what)
		}
		*to = value
		return nil
	}}
}

func whole(to *int, least, most int) *checked {
	return within(to, "int", fmt.Sprintf("from %d to %d", least, most), strconv.Atoi, least, most)
}

func lasting(to *time.Duration, what string, least, most time.Duration) *checked {
	return within(to, "duration", what, time.ParseDuration, least, most)
}

// id takes the number of a transaction.
func id(to *int64) *checked {
	read := func(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) }
	return within(to, "int", "a number above 0", read, 1, math.MaxInt64)
}

// moment takes a time, or how long ago it was.
func moment(to *time.Time) *checked {
	return &checked{kind: "string", set: func(values ...string) (err error) {
		now := time.Now()
		if ago, wrong := time.ParseDuration(values[0]); wrong == nil && ago >= 0 {
			*to = now.Add(-ago)
		} else if *to, err = time.Parse(time.RFC3339, values[0]); err != nil {
			return fmt.Errorf("must be a time such as %s, or how long ago, such as 90m", now.UTC().Format(time.RFC3339))
		}
		return nil
	}}
}
