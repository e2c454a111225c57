package mutation

import "slices"

// breach is one break of the protocol. The snippets are short, so that they outlive
// changes around them.
type breach struct {
	name string
	file string // of the engine
	old  string // what is replaced; it stands there exactly once
	new  string
	// broken is the promise that is taken back, as what happens instead.
	broken string
	// core breaks are tried in every run of the tests, the others with -all.
	core bool
}

var breaks = slices.Concat(claimBreaks, storeBreaks, careBreaks, restoredBreaks, resolveBreaks, answerBreaks, reuseBreaks, runBreaks)
