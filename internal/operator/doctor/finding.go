// Package doctor checks everything that has to be right for tokens to stay fresh, and reports the
// cause of each trouble and how to mend it. It changes nothing and calls no provider with
// credentials.
package doctor

import "fmt"

// Verdict is the result of a check.
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
	Cause   string  `json:"cause"` // if ok: what was seen
	// Mend is what to do; empty: nothing.
	Mend string `json:"mend,omitempty"`
	// Commands are lines for a shell that do it, or begin it.
	Commands []string `json:"commands,omitempty"`
}

// NeedsPerson reports whether a person must act: something is wrong, or a permission to look is
// missing.
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
