// Package dead finds the transactions that were marked dead, and revives them.
package dead

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

const (
	// batch is how many transactions are under way between two reports of progress.
	batch = 512
	// maxLine bounds a line of a list, in bytes.
	maxLine = 64 << 10
)

// Search selects dead transactions of an account.
type Search struct {
	Account string
	Span    store.Span
	// Undated adds transactions that an older release has marked without a time. It reads the whole
	// table.
	Undated bool
}

// Find returns the transactions, the latest first and those without a time last. found gets their
// growing number.
func (s Search) Find(
	ctx context.Context, in store.DeadTransactions, now time.Time, found func(n int),
) ([]store.DeadEntry, error) {
	var all []store.DeadEntry
	collect := func(entries iter.Seq2[store.DeadEntry, error]) error {
		for one, err := range entries {
			if err != nil {
				return fmt.Errorf("find dead transactions: %w", err)
			}
			all = append(all, one)
			found(len(all))
		}
		return nil
	}
	for shard := range store.Shards {
		if err := collect(in.Dead(ctx, s.Account, shard, s.Span, now)); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b store.DeadEntry) int {
		return cmp.Or(b.MarkedAt.Compare(a.MarkedAt), cmp.Compare(a.ID, b.ID))
	})
	if !s.Undated {
		return all, nil
	}
	return all, collect(in.DeadUndated(ctx, s.Account, now))
}

// ReadIDs reads a list of transactions, one on each line: an id, whatever follows it, or an object
// with transaction_id. Empty lines and those that begin with # don't count. Each mistake is
// reported with its line.
func ReadIDs(text io.Reader) ([]int64, error) {
	var ids []int64
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, maxLine)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		var one struct {
			ID int64 `json:"transaction_id"`
		}
		if strings.HasPrefix(line, "{") {
			_ = json.Unmarshal([]byte(line), &one) // without an id it is refused
		} else {
			word := strings.FieldsFunc(line, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })[0]
			one.ID, _ = strconv.ParseInt(word, 10, 64)
		}
		if one.ID <= 0 {
			return nil, fmt.Errorf("line %d: it begins with no number above 0, and is no object with a transaction_id", number)
		}
		ids = append(ids, one.ID)
	}
	return ids, lines.Err()
}

// Summary counts the results of reviving transactions.
type Summary struct {
	Account     string `json:"account"`
	Revived     int    `json:"revived"`
	WouldRevive int    `json:"would_revive,omitempty"` // dry run
	NotDead     int    `json:"not_dead"`               // alive, ended or not recorded
	Failed      int    `json:"failed"`
}

// Revive makes transactions of an account due again. failed gets the cause of each that failed, and
// done how many are done. An error means that it ended early. The same call again does no harm.
func Revive(
	ctx context.Context, engine *sweep.Engine, account string, ids []int64, dryRun bool, failed func(error), done func(n int),
) (Summary, error) {
	s, n := Summary{Account: account}, 0
	for chunk := range slices.Chunk(ids, batch) {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		for _, one := range engine.Revive(context.WithoutCancel(ctx), account, chunk, dryRun) {
			switch one.Revival {
			case sweep.Revived:
				s.Revived++
			case sweep.WouldRevive:
				s.WouldRevive++
			case sweep.NotDead:
				s.NotDead++
			case sweep.NotRevived:
				s.Failed++
				failed(one.Err)
			}
		}
		n += len(chunk)
		done(n)
	}
	return s, nil
}
