package sweep

import (
	"cmp"
	"slices"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

// Request is the order for a run.
type Request struct {
	RunID   string // names the run in claims and logs; required
	Account string // empty: all accounts
	// Force treats every row of the index as due and ignores a rate limit's wait, but never a live
	// claim or a pause; after Misconfigured it tries once. With TransactionID it also tries a dead
	// row once.
	Force bool
	// DryRun reads and decides; it writes nothing and calls no provider.
	DryRun bool
	// TransactionID names the one row to work on; 0: all that are due.
	TransactionID int64
	// TransactionIDs names rows of Account (empty: as for a new Record) to refresh if they are due.
	// If the ledger knows of trouble they are left for the next sweep. It excludes Force, DryRun
	// and TransactionID.
	TransactionIDs []int64
}

// named reports whether the run is for some rows only, and has not seen the others.
func (r Request) named() bool { return r.TransactionID != 0 || len(r.TransactionIDs) > 0 }

// Report is how a run ended.
type Report struct {
	// Outcomes counts the rows that were due, and each account without one as
	// outcome.NotDue. A row that the run did not reach counts as the reason;
	// outcome.Transient for too little time.
	Outcomes map[outcome.Outcome]int
	// Credentials are the accounts that need a person, and those where the run panicked. A dead
	// transaction needs no person: it is only counted.
	Credentials []Result
	// Accounts are all accounts that were swept, in order of their names.
	Accounts []Account
	// Err is why the ledger could not be read. Then no row was worked on.
	Err error
}

// Result is an account that a person must look at.
type Result struct {
	Account  string
	Outcome  outcome.Outcome
	Err      error // why, and what to do; safe to print
	Panicked bool
}

// Account is how the run ended for one account.
type Account struct {
	Account  string
	Outcomes map[outcome.Outcome]int
	// NextExpiry is the earliest end of an access token among the rows that the run saw, with the
	// new tokens of those that it refreshed. For a row without a token it is since when the row
	// should have one. Zero: none was seen, or the run was for named transactions.
	NextExpiry time.Time
	// Blind is set if a part of the due index could not be read: NextExpiry does not include its
	// rows.
	Blind bool
	// Backlog is how many rows are still due, leaving out those that another run has
	// claimed or was just given, and OldestDue since when. There may be more than one
	// run can see.
	Backlog   int
	OldestDue time.Time
	// HandedOver is how many rows were put into the queue. They count as outcome.Busy.
	HandedOver int
	Warnings   []string // what went wrong without needing a person; safe to print

	// For telemetry.
	ProviderLatency time.Duration // of the slowest provider call; 0: none
	ClockSkew       time.Duration // provider's Date minus the local clock, in full seconds
	ClockRead       bool          // whether a provider's answer had a Date
	// AttemptsLeft is how many attempts can still save the token of the row with the fewest, as
	// pace.Outlook counts them; pace.MaxAttempts if no row was seen; 0 if a person must act first.
	// A pause counts as if it ended now.
	AttemptsLeft int
	Failures     int             // sweeps in a row in which no call succeeded, this one included
	Trouble      string          // what a person must be notified of, in the form of store.Row.Told; empty: nothing
	Told         string          // the last trouble that a person was notified of
	Before       outcome.Outcome // the last outcome that the ledger had noted when the run began
	Noted        outcome.Outcome // and when it ended
}

// newReport puts the reports of a run's sweeps together.
func newReport(sweeps []*sweep) Report {
	r := Report{Outcomes: map[outcome.Outcome]int{}}
	for _, s := range sweeps {
		for what, n := range s.report.Outcomes {
			r.Outcomes[what] += n
		}
		for _, need := range s.needs {
			need.Account = s.account
			r.Credentials = append(r.Credentials, need)
		}
		account := s.report
		account.Account = s.account
		account.AttemptsLeft = s.attemptsLeft()
		account.Trouble, account.Told = trouble(s.row), s.row.Told
		account.Failures, account.Noted = s.row.ConsecutiveFailures, s.row.LastOutcome
		if s.req.named() {
			account.NextExpiry = time.Time{}
		}
		r.Accounts = append(r.Accounts, account)
	}
	slices.SortFunc(r.Accounts, func(a, b Account) int { return cmp.Compare(a.Account, b.Account) })
	slices.SortStableFunc(r.Credentials, func(a, b Result) int { return cmp.Compare(a.Account, b.Account) })
	return r
}

// trouble names the trouble of an account's row that a person must be notified of: credentials that
// the provider refused.
func trouble(r store.Row) string {
	if r.State != store.Misconfigured || r.LoginFailures == 0 {
		return ""
	}
	return store.Trouble(r.State, r.CredentialsVersionID)
}

// takes returns what an attempt may need until readers have the new token.
func (s *sweep) takes() time.Duration { return s.SendTimeout + s.StoreTimeout }

// forecast records when a row's access token ends and how many attempts are left until then. The
// row is tried next at from, after that many failures in a row. A row without from is no longer
// refreshed.
func (s *sweep) forecast(from, until time.Time, failures int) {
	if from.IsZero() {
		return
	}
	o := pace.Outlook{From: from, Until: until, Takes: s.takes(), Failures: failures}
	s.addExpiry(until, o.AttemptsLeft(s.began, s.Tick))
}

// attemptsLeft returns Account.AttemptsLeft, after the sweep.
func (s *sweep) attemptsLeft() int {
	refused := s.row.State == store.Misconfigured && s.row.LoginFailures > 0
	if s.blocked && !refused {
		return 0
	}
	// These waits hold for every row, also for the one that ends first.
	from := s.row.NotBefore
	if s.row.RefreshAt.After(from) {
		from = s.row.RefreshAt
	}
	if s.report.NextExpiry.IsZero() || from.IsZero() {
		return s.fewest
	}
	limited := pace.Outlook{
		From: from, Until: s.report.NextExpiry, Takes: s.takes(), Failures: s.row.ConsecutiveFailures,
	}
	if refused {
		limited.Failures, limited.Refused = s.row.LoginFailures, true
	}
	return min(s.fewest, limited.AttemptsLeft(s.began, s.Tick))
}
