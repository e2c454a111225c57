// Package catalog lists the providers that the operator's command knows.
package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/berbix"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/hesabe"
	"tokenrefresh/pkg/providers/oauth2"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/providers/tconnect"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Entry is a provider.
type Entry struct {
	Name string
	// Title is the name for people and for the template.
	Title string
	// Sweep: it has transactions, and no chain of tokens.
	Sweep bool
	// Table is TransactionsTable, if that is not <Name>-transactions.
	Table string
	// OwnAccounts: each of its accounts is a service of its own. The template's parameter
	// <Title>Accounts names them; without any, nothing of the provider is deployed.
	OwnAccounts bool
	// Browser: a person may get its first refresh token with a browser (providers.Authorizing).
	Browser bool
	// Setting is the field of the credentials that holds the provider's address.
	Setting string
	// RefreshExpiry: its replies say when the refresh token ends.
	RefreshExpiry bool
	// New makes its client for an environment, production or sandbox.
	New func(client *exchange.Client, environment string) providers.Described
	// ExpiryAlarm is the template's parameter for the alarm of the same name.
	ExpiryAlarm Threshold
}

// Threshold is a parameter of the template for an alarm, in seconds.
type Threshold struct {
	Default, Max int // no Max: 0
	Description  string
}

// Usual are the accounts to look at even without a row or a secret.
func (e Entry) Usual() []string {
	if e.OwnAccounts {
		return nil
	}
	return []string{"default"}
}

// Begins is the verb of tokenctl by which a person begins a chain of the provider.
func (e Entry) Begins() string {
	if e.Browser {
		return "login"
	}
	return "seed tokens"
}

// TransactionsTable names the table of its transactions, apart from those of other providers: on AWS it is the
// end of the table's name.
func (e Entry) TransactionsTable() string { return cmp.Or(e.Table, e.Name+"-transactions") }

// QueueParameter is the template's parameter that gives it a queue for transactions.
func (e Entry) QueueParameter() string { return e.Title + "QueueConcurrency" }

// Address is the provider's address that credentials name; empty: none, which means the usual one.
func (e Entry) Address(credentials secret.String) string {
	fields, _ := reply.Parse(credentials.Reveal()) // of no object, there are no fields
	return strings.TrimSpace(fields.Text(e.Setting))
}

// Client makes its client for what needs no tuning: opening credentials, or a call by hand.
func (e Entry) Client(environment string) providers.Described {
	return e.New(exchange.New(exchange.Options{}), environment)
}

// Documents are the documents of an account of the provider.
func (e Entry) Documents() []store.Document {
	if e.Sweep {
		return []store.Document{store.Credentials}
	}
	return []store.Document{store.Credentials, store.TokensDoc, store.AccessDoc}
}

var entries = []Entry{
	{Name: "hesabe", Title: "Hesabe", Setting: "base_url", New: hesabe.New, ExpiryAlarm: Threshold{
		Default: 120, Max: 170,
		Description: "Alarm when Hesabe's access token has fewer seconds left. It is refreshed with 180 left.",
	}},
	{
		Name: "tconnect", Title: "TConnect", Setting: "base_url", RefreshExpiry: true, New: tconnect.New,
		ExpiryAlarm: Threshold{
			Default:     3600,
			Description: "Alarm when TConnect's access token has fewer seconds left. Of its 10 hours it is refreshed with 2 left.",
		},
	},
	{
		Name: "berbix", Title: "Berbix", Setting: "base_url", Sweep: true, Table: "transactions", New: berbix.New,
		ExpiryAlarm: Threshold{
			Default:     120,
			Description: "Alarm when an access token of Berbix has fewer seconds left.",
		},
	},
	{
		Name: "oauth2", Title: "OAuth2", Setting: "token_url", OwnAccounts: true, Browser: true, RefreshExpiry: true,
		New: oauth2.New,
		ExpiryAlarm: Threshold{
			Default: 120, Max: 170,
			Description: "Alarm when an access token of OAuth2Accounts has fewer seconds left. It is refreshed with 180 left or more.",
		},
	},
}

// All returns every provider, always in the same order.
func All() []Entry { return slices.Clone(entries) }

// Those returns the providers of a kind.
func Those(are func(Entry) bool) []Entry {
	return slices.DeleteFunc(All(), func(e Entry) bool { return !are(e) })
}

// OrAll returns the entries, or all providers if there are none.
func OrAll(some []Entry) []Entry {
	if len(some) == 0 {
		return All()
	}
	return some
}

// Names are the names of all.
func Names() []string { return NamesOf(entries) }

// NamesOf are the names of some.
func NamesOf(entries []Entry) []string {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name
	}
	return names
}

// Select returns the named providers in the order of names, each once; all without names.
func Select(names ...string) ([]Entry, error) {
	var chosen []Entry
	for _, name := range names {
		e, err := Find(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(NamesOf(chosen), name) {
			chosen = append(chosen, e)
		}
	}
	return OrAll(chosen), nil
}

// Find returns a provider by its name.
func Find(name string) (Entry, error) {
	at := slices.Index(Names(), name)
	if at < 0 {
		return Entry{}, fmt.Errorf("there is no provider %q: use %s", name, strings.Join(Names(), ", "))
	}
	return entries[at], nil
}
