package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// tell runs the hour.
func (s *story) tell(ctx context.Context) error {
	_, _ = fmt.Fprintf(s.out, "Four functions, four providers (sandboxes on 127.0.0.1), one state file, one simulated hour.\n\n")
	_, _ = fmt.Fprintf(s.table, "  time\tfunction\tevent\toutcome\twhat happened\n")
	_, _ = fmt.Fprintf(s.table, "  ----\t--------\t-----\t-------\t-------------\n")
	err := errors.Join(s.hour(ctx), s.table.Flush())
	if err != nil {
		return err
	}
	return s.check(ctx)
}

// hour is what happens, minute by minute. It stops at the first thing that goes
// otherwise.
func (s *story) hour(ctx context.Context) error {
	const force, killed = `{"force":true}`, outcome.Outcome("killed")
	if err := s.record(ctx, 3); err != nil {
		return err
	}
	for _, step := range []struct {
		minute      int
		name, event string
		want        outcome.Outcome
		what        string
	}{
		{0, "hesabe", `{}`, outcome.LoggedIn, "first tick: credentials are in the secret, so it logs in"},
		{0, "tconnect", `{}`, outcome.LoggedIn, "the same, over AES-256-CBC"},
		{0, "oauth2", `{}`, outcome.LoggedIn, "and so any OAuth 2 server, as a secret describes it"},
		{0, "berbix", `{}`, outcome.Refreshed, "each has its own tokens"},
		{1, "hesabe", `{}`, outcome.NotDue, "nothing to do"},
		{1, "tconnect", `{"dry_run":true,"force":true}`, outcome.WouldRefresh, "a dry run calls nobody"},
		{12, "hesabe", `{}`, outcome.Refreshed, "due: 3 minutes before the token expires"},
		{13, "tconnect", force, outcome.Refreshed, "by hand"},
		{13, "berbix", force, outcome.Refreshed, "by hand"},
		{20, "hesabe", force, killed, "kill -9 when the reply was in and nowhere stored"},
		{21, "hesabe", `{}`, outcome.Busy, "the dead run's claim still stands"},
		{22, "hesabe", `{}`, outcome.LoggedIn, "that token may be spent: never again, a login instead"},
		{25, "oauth2", `{}`, outcome.Refreshed, "due: its token lives half an hour"},
		{30, "hesabe", force, killed, "kill -9 when the reply was stored, not current yet"},
		{32, "hesabe", `{}`, outcome.Recovered, "finished from the store, without the provider"},
		{33, "hesabe", `{}`, outcome.NotDue, "all is well"},
		{43, "hesabe", `{}`, outcome.Refreshed, "the chain goes on"},
		{50, "oauth2", `{}`, outcome.Refreshed, "again"},
		{55, "hesabe", `{}`, outcome.Refreshed, "and on"},
		{62, "berbix", `{}`, outcome.Refreshed, "due again: their tokens live an hour"},
	} {
		do := s.invoke
		if step.want == killed {
			do = s.kill
		}
		if err := do(ctx, time.Duration(step.minute)*time.Minute, step.name, step.event, step.want, step.what); err != nil {
			return err
		}
	}
	return nil
}

// record tells the Berbix function of new transactions.
func (s *story) record(ctx context.Context, n int) error {
	var records []map[string]any
	for range n {
		t := s.sandbox.AddTransaction()
		s.transactions = append(s.transactions, t.ID)
		records = append(records, map[string]any{"transaction_id": t.ID, "refresh_token": t.RefreshToken})
	}
	event, err := json.Marshal(map[string]any{"record": records})
	if err != nil {
		return err
	}
	answer, err := s.functions["berbix"].Invoke(ctx, event)
	if err != nil {
		return err
	}
	if !strings.Contains(string(answer), fmt.Sprintf(`"recorded":%d`, n)) {
		return fmt.Errorf("berbix did not record: %s", answer)
	}
	s.row(0, "berbix", `{"record":[…]}`, fmt.Sprintf("%s %d", outcome.Recorded, n), "three people begin to verify themselves")
	return nil
}

// check asks the providers, who know best, whether the promise was kept.
func (s *story) check(ctx context.Context) error {
	_, _ = fmt.Fprintf(s.out, "\nAsked at the end, the providers say:\n\n")
	var broken error
	for _, p := range []sandbox.Provider{sandbox.Hesabe, sandbox.TConnect, sandbox.OAuth2} {
		v, err := s.home.Secrets().Current(ctx, store.Key{Provider: string(p), Account: account}, store.AccessDoc)
		if err != nil {
			return err
		}
		var access struct {
			AccessToken string `json:"access_token"`
		}
		if err := json.Unmarshal([]byte(v.Value.Reveal()), &access); err != nil {
			return err
		}
		stats := s.sandbox.Stats(p)
		valid := s.sandbox.Valid(p, access.AccessToken)
		_, _ = fmt.Fprintf(s.table, "  %s\tthe published access token is valid: %t\tlogins %d, refreshes %d\t"+
			"refresh tokens presented twice: %d\n", p, valid, stats.Logins, stats.Refreshes, stats.Repeated)
		if !valid || stats.Repeated != 0 {
			broken = fmt.Errorf("%s: the promise was broken", p)
		}
	}
	valid := true
	for _, id := range s.transactions {
		t, _, err := s.home.Transactions().Get(ctx, id)
		if err != nil {
			return err
		}
		valid = valid && s.sandbox.Valid(sandbox.Berbix, t.AccessToken.Reveal())
	}
	_, _ = fmt.Fprintf(s.table, "  %s\tall %d access tokens are valid: %t\trefreshes %d\tits refresh tokens don't rotate\n",
		sandbox.Berbix, len(s.transactions), valid, s.sandbox.Stats(sandbox.Berbix).Refreshes)
	if !valid {
		broken = fmt.Errorf("%s: the promise was broken", sandbox.Berbix)
	}
	return errors.Join(s.table.Flush(), broken)
}
