package e2e_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/store"
)

const (
	// fleetWorkers is how many rows a sweep works on at once: more would only queue for
	// the emulated AWS, and run into their timeouts on a slow machine.
	fleetWorkers = 8
	// firstCalls is how many calls a sweep makes at once until one was answered.
	firstCalls = 4
	// fleetTimeout lets a sweep write hundreds of rows to the emulated AWS, which takes
	// as many seconds as DynamoDB takes milliseconds; fleetClaim is more than a claim
	// lasts then.
	fleetTimeout = 5 * time.Minute
	fleetClaim   = fleetTimeout + time.Minute
)

// fleet is a table with hundreds of rows, in a stack of its own.
type fleet struct {
	*credential
	members []*member
	turn    int // of the members: who is due next
}

// member is a row of a fleet.
type member struct {
	sandbox.Transaction
	state     state
	item      item // the row as it has to be; nil: as a refresh leaves it
	presented int  // how often its refresh token must have come to the provider
}

// due reports whether the row has a place among the due ones. Dead rows have one of their
// own in the same index.
func (m *member) due() bool {
	shard := m.item.text("due_shard")
	ofDead := m.item.text("status") == "dead" && strings.HasPrefix(shard, "#dead#")
	return shard != "" && !ofDead
}

// newFleet loads so many rows of each state.
func newFleet(t *testing.T, sizes map[state]int) *fleet {
	t.Helper()
	w := newWorld(t, nil)
	f := &fleet{credential: w.credential(t, sandbox.Berbix, defaultAccount, sandbox.Options{})}
	f.deployed.Timeout = fleetTimeout
	f.deployed.Environment["SWEEP_WORKERS"] = strconv.Itoa(fleetWorkers)
	f.seed(t, nil)
	for _, state := range []state{fresh, completed, deleted, dead, expired} {
		for range sizes[state] {
			f.members = append(f.members, &member{Transaction: f.sandbox.AddTransaction(), state: state})
		}
	}
	for _, m := range f.members {
		m.item = f.newItem(m)
	}
	f.put(t, f.members)
	return f
}

// put stores the items of members, past the functions.
func (f *fleet) put(t *testing.T, members []*member) {
	t.Helper()
	const most = 25 // that a call takes
	table := f.stack.Outputs["Transactions"]
	for batch := range slices.Chunk(members, most) {
		var writes []types.WriteRequest
		for _, m := range batch {
			writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: m.item}})
		}
		out, err := f.aws.DynamoDB.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{table: writes},
		})
		assert.Assert(t, err == nil && len(out.UnprocessedItems) == 0,
			"%d items were left out: %v", len(out.UnprocessedItems), err)
	}
}

// remove deletes the rows of members, as DynamoDB does at last with those past their ttl.
func (f *fleet) remove(t *testing.T, members []*member) {
	t.Helper()
	for _, m := range members {
		_, err := f.aws.DynamoDB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
			TableName: ptr(f.stack.Outputs["Transactions"]), Key: item{"transaction_id": number(m.ID)},
		})
		assert.NilError(t, err)
	}
	f.members = slices.DeleteFunc(f.members, func(m *member) bool { return slices.Contains(members, m) })
}

// in lists the members in a state.
func (f *fleet) in(state state) []*member {
	var members []*member
	for _, m := range f.members {
		if m.state == state {
			members = append(members, m)
		}
	}
	return members
}

// makeDue makes members due that were not, as the time does, as many in each shard.
func (f *fleet) makeDue(t *testing.T, each int) []*member {
	t.Helper()
	var chosen []*member
	var inShard [store.Shards]int
	for range f.members {
		m := f.members[f.turn%len(f.members)]
		f.turn++
		shard := store.ShardOf(m.ID)
		if (m.state == due || m.state == fresh) && inShard[shard] < each {
			inShard[shard]++
			m.state = due
			m.item = f.newItem(m)
			chosen = append(chosen, m)
		}
		if len(chosen) == each*store.Shards {
			break
		}
	}
	f.put(t, chosen)
	return chosen
}

// transactions are those of members.
func transactions(members []*member) []sandbox.Transaction {
	var all []sandbox.Transaction
	for _, m := range members {
		all = append(all, m.Transaction)
	}
	return all
}

// attempt runs an event when it is its turn. It takes some turns: the functions of other
// tests would run into their timeouts beside a sweep and the AWS that it keeps busy.
func (f *fleet) attempt(ctx context.Context, fn *function, event string) (result, error) {
	const some = 3
	for range some {
		turns <- struct{}{}
		defer func() { <-turns }()
	}
	return fn.attempt(ctx, event)
}

// wantSweep runs a tick that must end like this.
func (f *fleet) wantSweep(t *testing.T, fn *function, outcomes map[string]int) {
	t.Helper()
	f.wantEvent(t, fn, fn.tick, outcomes)
}

// wantEvent runs an event that must end like this.
func (f *fleet) wantEvent(t *testing.T, fn *function, event string, outcomes map[string]int) result {
	t.Helper()
	r, err := f.attempt(t.Context(), fn, event)
	assert.Assert(t, err == nil, "%v\n%s", err, fn.Logs())
	diff := cmp.Diff(outcomes, r.Outcomes)
	assert.Assert(t, diff == "", "outcomes (-want +got):\n%s%s", diff, fn.Logs())
	return r
}

// attemptAll runs an event in all functions at once, and sends how each ended; an error
// is an outcome that nobody wants.
func (f *fleet) attemptAll(t *testing.T, event string, functions ...*function) <-chan result {
	t.Helper()
	ended := make(chan result, len(functions))
	var running sync.WaitGroup
	for _, fn := range functions {
		running.Go(func() {
			r, err := f.attempt(t.Context(), fn, event)
			if err != nil {
				r.Outcomes = map[string]int{err.Error(): 1}
			}
			ended <- r
		})
	}
	go func() {
		running.Wait()
		close(ended)
	}()
	return ended
}

// sweepUntilFresh runs ticks, a minute apart, until all of the members are fresh. It
// ends the test after so many.
func (f *fleet) sweepUntilFresh(t *testing.T, fn *function, members []*member, most int) {
	t.Helper()
	var outcomes []map[string]int
	for range most {
		r, err := f.attempt(t.Context(), fn, fn.tick)
		if err != nil {
			t.Logf("a sweep ended with: %v", err)
		}
		outcomes = append(outcomes, r.Outcomes)
		f.elapse(t, fleetClaim)
		left := f.stale(t, members)
		if len(left) == 0 {
			return
		}
		f.elapseRows(t, left)
	}
	t.Fatalf("%d rows are not fresh after sweeps that ended with %v\n%s", len(f.stale(t, members)), outcomes, fn.Logs())
}

// stale are those of the members whose stored access token the provider would not take.
func (f *fleet) stale(t *testing.T, members []*member) []*member {
	t.Helper()
	rows := f.read(t, members)
	return slices.DeleteFunc(slices.Clone(members), func(m *member) bool {
		return f.sandbox.Valid(sandbox.Berbix, rows[m.ID].text("access_token"))
	})
}

// elapseRows lets the back-off of members pass.
func (f *fleet) elapseRows(t *testing.T, members []*member) {
	t.Helper()
	rows := f.read(t, members)
	table := f.stack.Outputs["Transactions"]
	for _, m := range members {
		if rows[m.ID].text("refresh_at") <= stamp(time.Now()) {
			continue
		}
		_, err := f.aws.DynamoDB.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &table, Key: map[string]types.AttributeValue{"transaction_id": number(m.ID)},
			UpdateExpression:          ptr("SET refresh_at = :past"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":past": text(stamp(time.Now().Add(-time.Second)))},
		})
		assert.NilError(t, err)
	}
}

// refreshed notes that a sweep has presented the refresh tokens of members once.
func refreshed(members []*member) {
	for _, m := range members {
		m.state, m.item = fresh, nil
		m.presented++
	}
}

// checkPresented checks how often each refresh token has come to the provider.
func (f *fleet) checkPresented(t *testing.T) {
	t.Helper()
	counts := f.sandbox.Presentations(sandbox.Berbix)
	var wrong []string
	for _, m := range f.members {
		if n := counts[m.RefreshToken]; n != m.presented {
			wrong = append(wrong, strconv.FormatInt(m.ID, 10)+": "+strconv.Itoa(n)+", want "+strconv.Itoa(m.presented))
		}
		delete(counts, m.RefreshToken)
	}
	if len(wrong) > 0 || len(counts) > 0 {
		t.Errorf("refresh tokens of %d rows came as often as they should not, such as of %v; %d of no row came",
			len(wrong), wrong[:min(3, len(wrong))], len(counts))
	}
}

// presented is how often the refresh tokens of members came in all.
func (f *fleet) presented(members []*member) int {
	counts := f.sandbox.Presentations(sandbox.Berbix)
	n := 0
	for _, m := range members {
		n += counts[m.RefreshToken]
	}
	return n
}

// count takes what came to the provider for what should have: what follows is counted
// from here.
func (f *fleet) count() {
	counts := f.sandbox.Presentations(sandbox.Berbix)
	for _, m := range f.members {
		m.presented = counts[m.RefreshToken]
	}
}

// after does something once, when the provider has acted on n calls more.
func (f *fleet) after(n int, do func()) {
	last := f.sandbox.Stats(sandbox.Berbix).Refreshes + n
	f.sandbox.OnActed(func(_ context.Context, call sandbox.Call) {
		if call.Number == last {
			do()
		}
	})
}
