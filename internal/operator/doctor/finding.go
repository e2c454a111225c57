// Package doctor looks at everything that has to be right for tokens to stay fresh, and
// says of each thing that is not what the cause is and what mends it. It changes nothing
// and calls no provider with credentials.
package doctor

import "fmt"

// Verdict says what became of a check.
type Verdict string

// The verdicts.
const (
	OK      Verdict = "ok"
	Warn    Verdict = "warn"    // worth a look; nothing is broken by it
	Fail    Verdict = "fail"    // a person must act
	Skipped Verdict = "skipped" // not looked at; with a Mend: it could not be
)

// Finding is what one check has found.
type Finding struct {
	Check   string  `json:"check"`
	Verdict Verdict `json:"verdict"`
	Cause   string  `json:"cause"` // of an ok: what was seen
	// Mend says what to do; empty: nothing.
	Mend string `json:"mend,omitempty"`
	// Commands are lines for a shell that do it, or begin it.
	Commands []string `json:"commands,omitempty"`
}

// NeedsPerson reports whether a person must act: something is wrong, or nobody can tell
// before a person allows a look.
func (f Finding) NeedsPerson() bool {
	return f.Verdict == Fail || f.Verdict == Skipped && f.Mend != ""
}

func ok(format string, args ...any) Finding {
	return Finding{Verdict: OK, Cause: fmt.Sprintf(format, args...)}
}

func skipped(format string, args ...any) Finding {
	return Finding{Verdict: Skipped, Cause: fmt.Sprintf(format, args...)}
}

func warn(format string, args ...any) Finding {
	return Finding{Verdict: Warn, Cause: fmt.Sprintf(format, args...)}
}

func fail(format string, args ...any) Finding {
	return Finding{Verdict: Fail, Cause: fmt.Sprintf(format, args...)}
}

// mend adds what to do about it.
func (f Finding) mend(words string, commands ...string) Finding {
	f.Mend, f.Commands = words, commands
	return f
}
