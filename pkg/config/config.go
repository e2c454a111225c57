// Package config reads the configuration of functions from their environment.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config is the checked configuration of a function.
type Config struct {
	SecretPrefix        string   // SECRET_PREFIX: first part of every secret's name
	Accounts            []string // ACCOUNTS: kept fresh besides those in the ledger
	LedgerTable         string   // LEDGER_TABLE
	ProviderEnvironment string   // PROVIDER_ENVIRONMENT: production or sandbox
	HTTPTimeout         time.Duration
	ScheduleRate        time.Duration // SCHEDULE_RATE: from one scheduled run to the next
	LogLevel            slog.Level
	MetricsNamespace    string // METRICS_NAMESPACE
	AccountMetrics      bool   // ACCOUNT_METRICS: on or off, metrics of each account besides the provider's
	EventBus            string // EVENT_BUS: gets the events; empty: no events

	// For a sweep only.
	TransactionsTable string // TRANSACTIONS_TABLE
	SweepWorkers      int    // SWEEP_WORKERS: provider calls at once
	SweepQueueURL     string // SWEEP_QUEUE_URL: takes the rows that one sweep cannot do; empty: no queue
	HandOverAbove     int    // SWEEP_HAND_OVER_ABOVE: due rows of an account that a sweep keeps for itself
}

const (
	defaultHTTPTimeout = 10 * time.Second
	minHTTPTimeout     = time.Second
	maxHTTPTimeout     = 13 * time.Second // two calls, and the time to read and to store, fit into the shortest Timeout, 40 s
	defaultWorkers     = 32
	maxWorkers         = 256
	defaultHandOver    = 2000
	maxHandOver        = 100_000
	maxRate            = 1000 // of any unit: far beyond what could keep a token fresh
)

// ValidAccount reports whether name can name an account: up to 64 letters,
// digits and _ . @ + = -, the first a letter or digit.
func ValidAccount(name string) bool {
	return len(name) <= 64 && validPart(name) && !strings.ContainsRune(partMarks, rune(name[0]))
}

// partMarks are the characters, beside letters and digits, that Secrets Manager
// takes in a name; "/" stands between parts.
const partMarks = "_.@+=-"

// validPart reports whether s can be a part of a secret's name. (By hand: a regular
// expression would be compiled at every cold start.)
func validPart(s string) bool {
	for _, r := range s {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		if !letter && !strings.ContainsRune(partMarks, r) {
			return false
		}
	}
	return s != ""
}

// ValidPrefix reports whether s can begin the names of secrets: parts of letters, digits
// and _ . @ + = -, with "/" between them.
func ValidPrefix(s string) bool {
	return !slices.ContainsFunc(strings.Split(s, "/"), func(part string) bool { return !validPart(part) })
}

// validBus reports whether name can name an event bus.
func validBus(name string) bool {
	return len(name) <= 256 && !strings.ContainsAny(name, "@+=") && validPart(strings.ReplaceAll(name, "/", "-"))
}

// ForRefresh reads the configuration of a function that refreshes chains. Its
// error lists every mistake.
func ForRefresh(getenv func(string) string) (Config, error) {
	r := reader{getenv: getenv}
	c := r.common()
	return c, errors.Join(r.mistakes...)
}

// ForSweep reads the configuration of a function that sweeps transactions. Its
// error lists every mistake.
func ForSweep(getenv func(string) string) (Config, error) {
	r := reader{getenv: getenv}
	c := r.common()
	c.TransactionsTable = r.required("TRANSACTIONS_TABLE", "the name of the DynamoDB table of transactions")
	c.SweepWorkers = r.sweepWorkers()
	c.SweepQueueURL = r.address("SWEEP_QUEUE_URL")
	c.HandOverAbove = r.count("SWEEP_HAND_OVER_ABOVE", defaultHandOver, maxHandOver)
	return c, errors.Join(r.mistakes...)
}

// ForMachine reads the variables that count on a single machine, beside flags: HTTP_TIMEOUT,
// SWEEP_WORKERS and LOG_LEVEL. Its error lists every mistake.
func ForMachine(getenv func(string) string) (Config, error) {
	r := reader{getenv: getenv}
	c := Config{
		HTTPTimeout:  r.httpTimeout(),
		SweepWorkers: r.sweepWorkers(),
		LogLevel:     r.logLevel(),
	}
	return c, errors.Join(r.mistakes...)
}

// reader collects mistakes instead of stopping at the first.
type reader struct {
	getenv   func(string) string
	mistakes []error
}

// wrong adds a mistake if there is one.
func (r *reader) wrong(is bool, name, format string, args ...any) {
	if is {
		r.mistakes = append(r.mistakes, fmt.Errorf("environment variable %s: "+format, append([]any{name}, args...)...))
	}
}

func (r *reader) common() Config {
	c := Config{
		SecretPrefix:        r.required("SECRET_PREFIX", "the first part of the secrets' names, such as token-refresh"),
		LedgerTable:         r.required("LEDGER_TABLE", "the name of the DynamoDB table of the ledger"),
		ProviderEnvironment: r.oneOf("PROVIDER_ENVIRONMENT", "production", "sandbox"),
		HTTPTimeout:         r.httpTimeout(),
		ScheduleRate:        r.rate("SCHEDULE_RATE", "rate(1 minute)"),
		LogLevel:            r.logLevel(),
		MetricsNamespace:    r.or("METRICS_NAMESPACE", "TokenRefresh"),
		AccountMetrics:      r.oneOf("ACCOUNT_METRICS", "off", "on") == "on",
		EventBus:            r.or("EVENT_BUS", ""),
	}
	r.wrong(c.EventBus != "" && !validBus(c.EventBus),
		"EVENT_BUS", "%q is not the name of an event bus: up to 256 letters, digits and . _ / -", c.EventBus)
	r.wrong(c.SecretPrefix != "" && !ValidPrefix(c.SecretPrefix),
		"SECRET_PREFIX", "%q is not a path of letters, digits and _ . @ + = -", c.SecretPrefix)
	for name := range strings.SplitSeq(r.or("ACCOUNTS", "default"), ",") {
		name = strings.TrimSpace(name)
		r.wrong(!ValidAccount(name), "ACCOUNTS", "%q is not an account: up to 64 letters, digits and _ . @ + = -", name)
		if !slices.Contains(c.Accounts, name) {
			c.Accounts = append(c.Accounts, name)
		}
	}
	return c
}

func (r *reader) httpTimeout() time.Duration {
	return r.duration("HTTP_TIMEOUT", defaultHTTPTimeout, minHTTPTimeout, maxHTTPTimeout)
}

func (r *reader) sweepWorkers() int { return r.count("SWEEP_WORKERS", defaultWorkers, maxWorkers) }

func (r *reader) logLevel() slog.Level {
	var level slog.Level
	err := level.UnmarshalText([]byte(r.or("LOG_LEVEL", "info")))
	r.wrong(err != nil, "LOG_LEVEL", "%q is none of debug, info, warn, error", r.getenv("LOG_LEVEL"))
	return level
}

func (r *reader) or(name, otherwise string) string {
	return cmp.Or(strings.TrimSpace(r.getenv(name)), otherwise)
}

func (r *reader) required(name, what string) string {
	v := r.or(name, "")
	r.wrong(v == "", name, "is not set; it is %s", what)
	return v
}

// oneOf is one of words, the first if it is not set.
func (r *reader) oneOf(name string, words ...string) string {
	v := r.or(name, words[0])
	r.wrong(!slices.Contains(words, v), name, "%q is none of %s", v, strings.Join(words, ", "))
	return v
}

func (r *reader) duration(name string, otherwise, least, most time.Duration) time.Duration {
	v := r.or(name, otherwise.String())
	d, err := time.ParseDuration(v)
	r.wrong(err != nil || d < least || d > most, name, "%q is not a duration from %s to %s", v, least, most)
	return d
}

// address reads an optional address.
func (r *reader) address(name string) string {
	v := r.or(name, "")
	u, err := url.Parse(v)
	r.wrong(v != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http"),
		name, "is not an http or https address, or empty") // not quoted: it may carry a password
	return v
}

// rate reads a rate expression of EventBridge Scheduler, as the template has it.
func (r *reader) rate(name, otherwise string) time.Duration {
	v := r.or(name, otherwise)
	rate, ok := ParseRate(v)
	r.wrong(!ok, name, "%q is not a rate such as rate(1 minute)", v)
	return rate
}

// ParseRate reads a schedule's expression such as "rate(5 minutes)"; false for other expressions.
func ParseRate(v string) (time.Duration, bool) {
	inner, opened := strings.CutPrefix(v, "rate(")
	inner, closed := strings.CutSuffix(inner, ")")
	value, unit, _ := strings.Cut(inner, " ")
	n, err := strconv.Atoi(value)
	lengths := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	length := lengths[strings.TrimSuffix(unit, "s")]
	if !opened || !closed || err != nil || n < 1 || n > maxRate || length == 0 {
		return 0, false
	}
	return time.Duration(n) * length, true
}

func (r *reader) count(name string, otherwise, most int) int {
	v := r.or(name, strconv.Itoa(otherwise))
	n, err := strconv.Atoi(v)
	r.wrong(err != nil || n < 1 || n > most, name, "%q is not a number from 1 to %d", v, most)
	return n
}
