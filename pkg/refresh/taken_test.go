package refresh_test

import (
	"fmt"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// A dead attempt has left a version that another release of this program wrote in another form. Its
// id shows whose it is: it is used as it is.
func TestVersionInOtherWords(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := liveWithoutLogin(t)
		tick(w, onlyEscrow)
		attempt := row(w).AttemptID
		theirs := secret.New(fmt.Sprintf(`{"access_token":%q,"of":"another release"}`, "at-1-3"))
		_, err := w.Engine(nil).Secrets.Stage(t.Context(), rt.Default, store.AccessDoc, store.Version{ID: attempt, Value: theirs})
		assert.NilError(t, err)
		w.Advance(2 * time.Minute)
		if got := tick(w, nil); got.Outcome != outcome.Recovered || got.VersionID != attempt {
			t.Errorf("outcome %s with version %s, want recovered with %s: %v", got.Outcome, got.VersionID, attempt, got.Err)
		}
		if got := w.Secrets.Get(rt.Default, store.AccessDoc); got.ID != attempt || got.Value != theirs {
			t.Errorf("version %s of access is current, want %s as it was staged", got.ID, attempt)
		}
		wantHealthy(t, w)
	})
}
