// Command generate writes template.yaml from the templates beside it and from the
// catalog of providers, so that a provider's block is written once for all.
//
//	go run ./internal/template/generate template.yaml
package main

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"tokenrefresh/internal/operator/catalog"
)

//go:embed *.tmpl
var sources embed.FS

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate <file>")
		os.Exit(2)
	}
	text, err := generate(catalog.All())
	if err == nil {
		err = os.WriteFile(os.Args[1], text, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// stack is what the templates are filled in with.
type stack struct{ Providers []provider }

// provider is a provider of the catalog.
type provider struct{ catalog.Entry }

// generate returns the template for these providers.
func generate(entries []catalog.Entry) ([]byte, error) {
	t, err := template.New("template.yaml.tmpl").Delims("<<", ">>").ParseFS(sources, "*.tmpl")
	if err != nil {
		return nil, err
	}
	var s stack
	for _, e := range entries {
		s.Providers = append(s.Providers, provider{e})
	}
	var text bytes.Buffer
	if err := t.Execute(&text, s); err != nil {
		return nil, err
	}
	return blank.ReplaceAll(text.Bytes(), []byte("\n\n")), nil
}

// blank is more than one empty line, which conditions of the templates leave.
var blank = regexp.MustCompile(`\n\n\n+`)

// Listed are the providers that the parameter Providers may name.
func (s stack) Listed() []provider {
	return slices.DeleteFunc(slices.Clone(s.Providers), func(p provider) bool { return p.OwnAccounts })
}

// Owned are the providers each of whose accounts is a service of its own.
func (s stack) Owned() []provider {
	return slices.DeleteFunc(slices.Clone(s.Providers), func(p provider) bool { return !p.OwnAccounts })
}

// Sweeps are the providers with transactions.
func (s stack) Sweeps() []provider {
	return slices.DeleteFunc(slices.Clone(s.Providers), func(p provider) bool { return !p.Sweep })
}

// Width is the width of a provider's number on the dashboard, of 24 columns.
func (s stack) Width() int { return 24 / len(s.Listed()) }

// Names joins the names of the providers that the parameter Providers may name.
func (s stack) Names(separator string) string {
	var names []string
	for _, p := range s.Listed() {
		names = append(names, p.Name)
	}
	return strings.Join(names, separator)
}

// Titles lists all providers for people: "A, B and C".
func (s stack) Titles() string {
	var titles []string
	for _, p := range s.Providers {
		titles = append(titles, p.Title)
	}
	last := len(titles) - 1
	return strings.Join(titles[:last], ", ") + " and " + titles[last]
}

// Rule is a line that begins the provider's part of the template.
func (p provider) Rule() string { return strings.Repeat("-", 112-len(p.Title)) }

// TableID is the logical id of its table of transactions, and the name of the output that says which that is.
func (p provider) TableID() string {
	if p.Table != "" {
		return "Transactions"
	}
	return p.Title + "Transactions"
}

// Read is the part of a secret's name that stands for the account that a reader may read.
func (p provider) Read() string {
	if p.OwnAccounts {
		return "${!aws:PrincipalTag/token-refresh-account}"
	}
	return "default"
}

// Placeholder is what its secret holds until a person fills it in: the fields that
// a login or every credential needs, and no closing brace.
func (p provider) Placeholder() string {
	var fields []string
	for _, f := range p.New(nil, "production").Fields() {
		if f.Login || !f.Optional {
			fields = append(fields, fmt.Sprintf("%q:%q", f.Name, ""))
		}
	}
	return cmp.Or(strings.Join(fields, ","), `"":""`)
}
