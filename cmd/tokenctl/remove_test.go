package main

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/store"
)

// gone checks that nothing of an account is left.
func (w *world) gone(t *testing.T, key store.Key) {
	t.Helper()
	w.hasRow(t, key.Provider, key.Account, false)
	for _, doc := range []store.Document{store.Credentials, store.TokensDoc, store.AccessDoc} {
		_, err := w.Secrets.CurrentID(t.Context(), key, doc)
		assert.Check(t, errors.Is(err, store.ErrNoSecret), "%s of %s is left: %v", doc, key, err)
	}
}

// A removed account is gone, no output mentions it, and other accounts stay as they are.
func TestRemove(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		s := w.provision(t, sandbox.Hesabe)
		seeded := s.run(t, s.Credentials(sandbox.Hesabe), "seed", "credentials", "--provider", "hesabe", "--account", "shop-2")
		seeded.want(t, exitDone)
		s.run(t, "", "refresh").want(t, exitDone, "shop-2: logged_in")
		key := store.Key{Provider: "hesabe", Account: "shop-2"}
		remove := []string{"remove", "--provider", "hesabe", "--account", "shop-2"}

		s.run(t, "", remove...).want(t, exitUsage, "--yes", "hesabe/shop-2/access", "its access token ends in 14m")
		s.hasRow(t, "hesabe", "shop-2", true)
		before := time.Now()
		done := s.run(t, "", append(remove, "--yes", "--recovery-days", "7")...)
		done.want(t, exitDone, "hesabe/shop-2: removed", "hesabe/shop-2/credentials", "hesabe/shop-2/tokens")
		s.gone(t, key)
		if len(s.flags) == 0 { // on AWS
			done.want(t, exitDone, before.UTC().AddDate(0, 0, 7).Format(time.DateOnly), "aws secretsmanager restore-secret --secret-id ")
		}
		s.run(t, "", append(remove, "--yes")...).want(t, exitFailed, "there is no such account shop-2: there are hesabe/default")
		if got := s.run(t, "", "status"); got.code != exitDone || strings.Contains(got.out, "shop-2") {
			t.Errorf("status ends with %d:\n%s", got.code, got.out)
		}
		s.run(t, "", "refresh").want(t, exitDone, "hesabe/default: not_due")
		s.published(t, sandbox.Hesabe)
	})
}

// What was half removed is finished by the same command.
func TestRemoveTheRest(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		key := store.Key{Provider: "tconnect", Account: "shop-2"}
		w.put(t, key, store.TokensDoc, "{}")
		w.run(t, "", "remove", "--provider", "tconnect", "--account", "shop-2", "--yes", "--json").want(t, exitDone,
			`"row":false,"secrets":[{"name":"`, `tconnect/shop-2/tokens","at":"20`)
		w.gone(t, key)
		w.write(t, store.Row{Key: key, Phase: store.Idle})
		w.run(t, "", "remove", "--provider", "tconnect", "--account", "shop-2", "--yes").want(t, exitDone, "removed")
		w.gone(t, key)
	})
}

// A run that is at work keeps its row: its reply would be lost.
func TestRemoveBesideARun(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		key := store.Key{Provider: "hesabe", Account: "shop-2"}
		row := store.Row{Key: key, Phase: store.Sending, AttemptID: "a", Fence: 3, ClaimedUntil: time.Now().Add(time.Hour)}
		w.write(t, row)
		args := []string{"remove", "--provider", "hesabe", "--account", "shop-2", "--yes"}
		w.run(t, "", args...).want(t, exitNothing, "nothing was done: a run is at work on hesabe/shop-2")
		_, exists := w.row(t, "hesabe", "shop-2")
		assert.Assert(t, exists, "the row is gone")
		row.ClaimedUntil = time.Now().Add(-time.Second) // it has died
		w.write(t, row)
		w.run(t, "", args...).want(t, exitDone, "removed")
		w.gone(t, key)
	})
}

// So does a sweep that is at work on one shard of the account's transactions.
func TestRemoveBesideASweep(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		key := store.Key{Provider: "berbix", Account: "shop-2"}
		w.write(t, store.Row{Key: key, Phase: store.Idle})
		claim := store.ShardClaim{Account: key, Shard: 4, Holder: "run", Fence: 1, Until: time.Now().Add(time.Hour)}
		assert.NilError(t, w.Ledger.WriteShardClaim(t.Context(), claim))
		args := []string{"remove", "--provider", "berbix", "--account", "shop-2", "--yes"}
		w.run(t, "", args...).want(t, exitNothing, "a run is at work on berbix/shop-2")
		claim.Fence, claim.Until = 2, time.Time{} // released
		assert.NilError(t, w.Ledger.WriteShardClaim(t.Context(), claim))
		w.run(t, "", args...).want(t, exitDone, "removed")
		rows, claims, err := w.Ledger.RowsAndShardClaims(t.Context(), "berbix")
		assert.Check(t, err == nil && len(rows)+len(claims) == 0, "left: %v %v, %v", rows, claims, err)
	})
}

// A claim between the check and the removal wins.
func TestRemoveOfARowThatIsClaimed(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		key := store.Key{Provider: "hesabe", Account: "shop-2"}
		row := store.Row{Key: key, Phase: store.Idle, Fence: 4}
		w.write(t, row)
		read := row
		read.Fence = 3
		var lost *store.LostError
		err := w.Editor.RemoveRow(t.Context(), read)
		assert.Check(t, errors.As(err, &lost), "error %v", err)
		w.hasRow(t, "hesabe", "shop-2", true)
	})
}

// The question mentions transactions that would no longer be refreshed.
func TestRemoveAnAccountOfTransactions(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		s := w.provision(t, sandbox.Berbix)
		s.run(t, s.Credentials(sandbox.Berbix), "seed", "credentials", "--provider", "berbix", "--account", "shop-2").want(t, exitDone)
		remove := []string{"remove", "--provider", "berbix", "--account", "shop-2"}
		got := s.run(t, "", remove...)
		assert.Check(t, !strings.Contains(got.err, "open transactions"), "it has none:\n%s", got.err)
		added := s.AddTransaction()
		s.run(t, added.RefreshToken, "record", "--transaction-id", "7", "--account", "shop-2").want(t, exitDone)
		s.run(t, "", remove...).want(t, exitUsage, "open transactions, which nothing would refresh any more")
		s.run(t, "", append(remove, "--yes")...).want(t, exitDone, "removed")
		s.gone(t, store.Key{Provider: "berbix", Account: "shop-2"})
	})
}

// Secrets that a stack has created stay.
func TestRemoveWhatAStackHasCreated(t *testing.T) {
	w := awsWorld(t)
	key := store.Key{Provider: "hesabe", Account: "default"}
	w.put(t, key, store.Credentials, "{}")
	w.write(t, store.Row{Key: key, Phase: store.Idle})
	name := os.Getenv("SECRET_PREFIX") + "/hesabe/default/credentials"
	cfg, err := home.LoadAWS(t.Context(), home.Options{}, time.Minute)
	if err == nil { // moto takes a tag that AWS lets CloudFormation alone set
		_, err = secretsmanager.NewFromConfig(cfg).TagResource(t.Context(), &secretsmanager.TagResourceInput{
			SecretId: &name, Tags: []types.Tag{{Key: aws.String("aws:cloudformation:stack-name"), Value: aws.String("production")}},
		})
	}
	assert.NilError(t, err)
	w.run(t, "", "remove", "--provider", "hesabe", "--account", "default", "--yes").want(t, exitFailed,
		"the secret "+name+" is part of production", "tokenctl pause --provider hesabe")
	w.hasRow(t, "hesabe", "default", true)
}
