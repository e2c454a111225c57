package awshome

import (
	"maps"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

// A run reads the rows of all accounts, so each has a kilobyte at most after a day of refreshes.
func TestRowAfterADay(t *testing.T) {
	t.Parallel()
	w := rt.New()
	w.Seed(rt.Default)
	refreshed := 0
	for range 25 * 60 {
		if w.Engine(nil).Run(t.Context(), refresh.Request{RunID: uuid.NewString()})[0].Outcome == outcome.Refreshed {
			refreshed++
		}
		w.Advance(time.Minute)
	}
	row := w.Ledger.Get(rt.Default)
	row.Key = store.Key{Provider: "hesabe", Account: "merchant-0000000001"}
	row.Host, row.Tick = "merchantapi.hesabe.com", time.Minute
	stored := encodeRow(row)
	maps.Copy(stored, rowKey(row.Key))
	if n := size(stored); n > 1024 || refreshed < 120 || len(row.Spent) != store.SpentKept {
		t.Errorf("%d bytes after %d refreshes", n, refreshed)
		for name, value := range stored {
			t.Logf("%4d %s", size(item{name: value}), name)
		}
	}
}

// size is an item's size as DynamoDB counts it.
func size(i item) (sum int) {
	for name, value := range i {
		sum += len(name)
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			sum += len(v.Value)
		case *types.AttributeValueMemberN:
			sum += (len(v.Value)+1)/2 + 1
		case *types.AttributeValueMemberB:
			sum += len(v.Value)
		case *types.AttributeValueMemberBOOL:
			sum++
		case *types.AttributeValueMemberL:
			sum += 3
			for _, element := range v.Value {
				sum += 1 + size(item{"": element})
			}
		case *types.AttributeValueMemberM:
			sum += 3 + len(v.Value) + size(v.Value)
		}
	}
	return sum
}
