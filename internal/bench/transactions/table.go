package transactions

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"tokenrefresh/internal/bench/awsfake"
	"tokenrefresh/internal/bench/wire"
	"tokenrefresh/pkg/store"
)

// The tables, and what the calls to them count as.
const (
	Table  = "token-refresh-transactions"
	Ledger = "token-refresh-ledger"

	Query        = "Query due"
	BatchGetItem = "BatchGetItem"
	UpdateItem   = "UpdateItem"
	LedgerQuery  = "Query ledger"
	LedgerUpdate = "UpdateItem ledger"
)

// DynamoDB holds the rows, and a ledger.
type DynamoDB struct {
	rows   *Rows
	ledger *awsfake.DynamoDB
}

// NewDynamoDB makes a DynamoDB with these rows and an empty ledger.
func NewDynamoDB(rows *Rows) *DynamoDB {
	d := &DynamoDB{rows: rows, ledger: awsfake.NewDynamoDB()}
	d.ledger.CreateTable(Ledger, "provider", "account")
	return d
}

// refusal is an operation that was refused.
const refusal = "refused"

// Answer implements wire.Handler.
func (d *DynamoDB) Answer(r wire.Request, reply []byte) (op string, status int, body []byte) {
	asked := string(r.Body)
	if text(asked, "TableName") == Ledger {
		return d.askLedger(r, reply)
	}
	var ok bool
	switch r.Target {
	case "Query":
		op = Query
		body, ok = d.rows.answerQuery(asked, reply)
	case "BatchGetItem":
		op = BatchGetItem
		body, ok = d.rows.answerBatch(asked, reply)
	case "UpdateItem":
		op = UpdateItem
		body, ok = d.rows.answerUpdate(asked, reply)
	}
	if !ok {
		return refusal, http.StatusBadRequest, append(reply,
			`{"__type":"com.amazon.coral.validate#ValidationException","message":"this request is not understood"}`...)
	}
	return op, http.StatusOK, body
}

func (d *DynamoDB) askLedger(r wire.Request, reply []byte) (op string, status int, body []byte) {
	status, answer := d.ledger.Answer(r.Target, r.Body)
	switch {
	case status != http.StatusOK:
		op = refusal
	case r.Target == "Query":
		op = LedgerQuery
		d.rows.charge(Units{Reads: float64(blocks(len(answer), readUnit))})
	case r.Target == "UpdateItem":
		op = LedgerUpdate
		d.rows.charge(Units{Writes: 1}) // its rows are smaller than 1 KB
	}
	return op, status, append(reply, answer...)
}

// answerQuery answers a Query of the index.
func (r *Rows) answerQuery(body string, reply []byte) ([]byte, bool) {
	account, name, _ := strings.Cut(attribute(body, ":due_shard", "S"), "#")
	shard, err := strconv.Atoi(name)
	limit := number(body, "Limit")
	if err != nil || account != Account || shard < 0 || shard >= store.Shards || limit == 0 {
		return nil, false
	}
	after := -1
	if _, key, found := strings.Cut(body, `"ExclusiveStartKey":`); found {
		after, _ = r.placeOf(attribute(key, "transaction_id", "N"))
	}
	places, last := r.query(shard, limit, after)
	reply = append(reply, `{"Items":[`...)
	for i, one := range r.read(places) {
		if i > 0 {
			reply = append(reply, ',')
		}
		reply = appendItem(reply, entry(places[i], one))
	}
	reply = fmt.Appendf(reply, `],"Count":%d,"ScannedCount":%d`, len(places), len(places))
	if !last {
		reply = append(reply, `,"LastEvaluatedKey":`...)
		end := places[len(places)-1]
		reply = appendItem(reply, entry(end, r.read(places[len(places)-1:])[0])[:3])
	}
	r.charge(Units{Reads: float64(max(1, blocks(len(places)*entrySize, readUnit))) / 2}) // eventually consistent
	return append(reply, '}'), true
}

// answerBatch answers a BatchGetItem of up to 100 rows.
func (r *Rows) answerBatch(body string, reply []byte) ([]byte, bool) {
	var places []int
	const start = `"transaction_id":{"N":"`
	for _, rest, found := strings.Cut(body, start); found; _, rest, found = strings.Cut(rest, start) {
		value, _, _ := strings.Cut(rest, `"`)
		place, ok := r.placeOf(value)
		if !ok {
			return nil, false
		}
		places = append(places, place)
	}
	if len(places) == 0 || len(places) > 100 || !strings.Contains(body, `"`+Table+`"`) {
		return nil, false
	}
	reply = append(reply, `{"Responses":{"`+Table+`":[`...)
	for i, one := range r.read(places) {
		if i > 0 {
			reply = append(reply, ',')
		}
		reply = appendItem(reply, whole(places[i], one))
	}
	r.charge(Units{Reads: float64(len(places) * blocks(rowSize, readUnit))})
	return append(reply, `]},"UnprocessedKeys":{}}`...), true
}

// answerUpdate takes over a refresh. The condition is checked: tokens stay.
func (r *Rows) answerUpdate(body string, reply []byte) ([]byte, bool) {
	place, ok := r.placeOf(attribute(body, "transaction_id", "N"))
	refreshAt, dated := moment(attribute(body, ":refresh_at", "S"))
	expiresAt, alive := moment(attribute(body, ":access_expires_at", "S"))
	of, named := owner(attribute(body, ":presented", "S"))
	if !ok || !dated || !alive || !named || of != place {
		return nil, false
	}
	r.write(place, refreshAt, expiresAt)
	return append(reply, "{}"...), true
}

func (r *Rows) placeOf(id string) (int, bool) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return 0, false
	}
	return r.place(n)
}
