package refresh

import (
	"fmt"
	"time"

	"tokenrefresh/pkg/store"
)

const day = 24 * time.Hour

// Secrets Manager keeps 100 versions, and removes none that is younger than 24 hours. It asks for
// at most one PutSecretValue in 10 minutes in the long run: 144 a day. AWS does not say whether it
// refuses the 101st version of a day. So there is a warning from 90 to 100 versions, and, if more
// were taken, another from 134 on.
const (
	keptVersions      = 100
	sustainedVersions = int(day / minInterval)
	quotaMargin       = 10
)

// meter warns before a limit is reached.
func (a *visit) meter() {
	n := a.v.Row.Staged.Since(a.v.Now.Add(-day))
	if n >= keptVersions-quotaMargin && n <= keptVersions || n >= sustainedVersions-quotaMargin {
		a.warnings = append(a.warnings, fmt.Sprintf("the secret %s has had %d versions within 24 hours: Secrets Manager keeps 100, "+
			"and takes no more than one in 10 minutes for long; see to it that nothing forces so many refreshes",
			a.v.name(store.TokensDoc), n))
	}
}
