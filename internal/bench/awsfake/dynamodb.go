package awsfake

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// item is a row by attribute; the values stay in DynamoDB's own JSON.
type item = map[string]json.RawMessage

// DynamoDB is DynamoDB: an http.Handler. Conditions are accepted unread.
type DynamoDB struct {
	mu     sync.Mutex
	tables map[string]*table
}

type table struct {
	partition, sort string
	items           map[string]item // by both keys
}

// NewDynamoDB returns a store without tables.
func NewDynamoDB() *DynamoDB { return &DynamoDB{tables: map[string]*table{}} }

// CreateTable makes an empty table. sort is empty for a table without a sort key.
func (d *DynamoDB) CreateTable(name, partition, sort string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tables[name] = &table{partition: partition, sort: sort, items: map[string]item{}}
}

// ServeHTTP implements http.Handler.
func (d *DynamoDB) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	serve(w, r, "application/x-amz-json-1.0", d.operations())
}

// Answer is the status and the body of the answer to one request.
func (d *DynamoDB) Answer(operation string, body []byte) (status int, text []byte) {
	return answer(operation, body, d.operations())
}

func (d *DynamoDB) operations() map[string]operation {
	return map[string]operation{
		"Query":      d.op((*table).query),
		"GetItem":    d.op((*table).get),
		"PutItem":    d.op((*table).put),
		"UpdateItem": d.op((*table).update),
	}
}

type dynamoInput struct {
	TableName                 string
	Key                       item
	Item                      item
	KeyConditionExpression    string
	UpdateExpression          string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues item
}

// op finds the table and runs do under the lock.
func (d *DynamoDB) op(do func(*table, dynamoInput) (any, error)) operation {
	return func(body []byte) (any, error) {
		var in dynamoInput
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		t, ok := d.tables[in.TableName]
		if !ok {
			return nil, &fault{"ResourceNotFoundException", "Requested resource not found"}
		}
		return do(t, in)
	}
}

// query answers the rows of one partition, in order of the sort key.
func (t *table) query(in dynamoInput) (any, error) {
	name, placeholder, ok := strings.Cut(in.KeyConditionExpression, "=")
	value, known := in.ExpressionAttributeValues[strings.Trim(placeholder, " ()")]
	if !ok || !known || in.name(strings.Trim(name, " ()")) != t.partition {
		return nil, badRequest("key condition %q is not understood", in.KeyConditionExpression)
	}
	items := []item{}
	for _, row := range t.items {
		if string(row[t.partition]) == string(value) {
			items = append(items, row)
		}
	}
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(string(a[t.sort]), string(b[t.sort])) })
	return map[string]any{"Items": items, "Count": len(items), "ScannedCount": len(items)}, nil
}

func (t *table) get(in dynamoInput) (any, error) {
	row, ok := t.items[t.key(in.Key)]
	if !ok {
		return map[string]any{}, nil
	}
	return map[string]any{"Item": row}, nil
}

func (t *table) put(in dynamoInput) (any, error) {
	t.items[t.key(in.Item)] = in.Item
	return map[string]any{}, nil
}

func (t *table) update(in dynamoInput) (any, error) {
	row := item{}
	for k, v := range t.items[t.key(in.Key)] {
		row[k] = v
	}
	for k, v := range in.Key {
		row[k] = v
	}
	if err := in.apply(row); err != nil {
		return nil, err
	}
	t.items[t.key(in.Key)] = row
	return map[string]any{}, nil
}

func (t *table) key(of item) string { return string(of[t.partition]) + "\x00" + string(of[t.sort]) }

// name resolves an attribute's name or placeholder.
func (in dynamoInput) name(path string) string {
	if name, ok := in.ExpressionAttributeNames[path]; ok {
		return name
	}
	return path
}

// apply runs an update expression of the forms
//
//	SET path = :value, … REMOVE path, …
//
// with paths of one name.
func (in dynamoInput) apply(row item) error {
	tokens := strings.Fields(strings.NewReplacer(",", " ", "=", " = ").Replace(in.UpdateExpression))
	clause := ""
	for i := 0; i < len(tokens); i++ {
		switch tokens[i] {
		case "SET", "REMOVE":
			clause = tokens[i]
			continue
		}
		path := in.name(tokens[i])
		switch {
		case clause == "REMOVE":
			delete(row, path)
		case clause == "SET" && i+2 < len(tokens) && tokens[i+1] == "=" && in.ExpressionAttributeValues[tokens[i+2]] != nil:
			row[path] = in.ExpressionAttributeValues[tokens[i+2]]
			i += 2
		default:
			return badRequest("update expression %q is not understood at %q", in.UpdateExpression, tokens[i])
		}
	}
	return nil
}
