package fakeaws

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Item is a row by attribute; the values are in DynamoDB's own JSON.
type Item = map[string]json.RawMessage

// table keeps its rows by key, and each of its indexes in order. Its own index has no name.
type table struct {
	index
	rows    map[string]*row
	indexes map[string]*index
	units   *Units
}

type row struct {
	key  string // both attributes
	item Item
}

type index struct {
	partition, sort string
	projected       []string // attributes; nil: all
	groups          map[string]*group
}

// group is the rows of one partition.
type group struct {
	rows   []*row
	sorted bool
}

type keySchema []struct{ AttributeName string }

type tableInput struct {
	TableName string

	KeySchema              keySchema
	GlobalSecondaryIndexes []struct {
		IndexName  string
		KeySchema  keySchema
		Projection struct{ NonKeyAttributes []string }
	}

	Key, ExclusiveStartKey    Item
	RequestItems              map[string]struct{ Keys []Item }
	IndexName                 string
	Limit                     int
	KeyConditionExpression    string
	UpdateExpression          string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues Item
}

var tableOperations = map[string]func(*table, tableInput) (any, error){
	"Query":        (*table).query,
	"BatchGetItem": (*table).batch,
	"UpdateItem":   (*table).update,
}

func newTable(in tableInput, units *Units) *table {
	t := &table{units: units, rows: map[string]*row{}, index: newIndex(in.KeySchema), indexes: map[string]*index{}}
	for _, one := range in.GlobalSecondaryIndexes {
		i := newIndex(one.KeySchema)
		i.projected = slices.Concat([]string{i.partition, i.sort, t.partition}, one.Projection.NonKeyAttributes)
		t.indexes[one.IndexName] = &i
	}
	return t
}

func newIndex(keys keySchema) index {
	i := index{partition: keys[0].AttributeName, groups: map[string]*group{}}
	if len(keys) > 1 {
		i.sort = keys[1].AttributeName
	}
	return i
}

// PutItem stores a row, at no charge.
func (a *AWS) PutItem(table string, item Item) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tables[table].store(item)
}

// Items returns the rows of a table's partition.
func (a *AWS) Items(table, partition string) []Item {
	a.mu.Lock()
	defer a.mu.Unlock()
	var items []Item
	for _, r := range a.tables[table].after(`{"S":"`+partition+`"}`, &row{}) {
		items = append(items, maps.Clone(r.item))
	}
	return items
}

// query answers the rows of one partition in order of the sort key.
func (t *table) query(in tableInput) (any, error) {
	i, share := &t.index, 1.0
	if in.IndexName != "" {
		i, share = t.indexes[in.IndexName], 0.5 // eventually consistent
	}
	name, placeholder, ok := strings.Cut(in.KeyConditionExpression, "=")
	value, known := in.ExpressionAttributeValues[strings.Trim(placeholder, " ()")]
	if !ok || !known || i == nil || in.name(strings.Trim(name, " ()")) != i.partition {
		return nil, badRequest("key condition %q of the index %q is not understood", in.KeyConditionExpression, in.IndexName)
	}
	found := i.after(string(value), &row{key: t.key(in.ExclusiveStartKey), item: in.ExclusiveStartKey})
	out := map[string]any{}
	items, bytes := []Item{}, 0
	for _, r := range found {
		one := project(r.item, i.projected)
		if full := in.Limit > 0 && len(items) == in.Limit || bytes+size(one) > pageSize; full {
			last := found[len(items)-1].item
			out["LastEvaluatedKey"] = project(last, []string{i.partition, i.sort, t.partition})
			break
		}
		items = append(items, one)
		bytes += size(one)
	}
	t.units.Reads += share * max(1, blocks(bytes, readUnit))
	out["Items"], out["Count"], out["ScannedCount"] = items, len(items), len(items)
	return out, nil
}

// after is the rows of a partition that come after another; all of them if that has no item.
func (i *index) after(partition string, last *row) []*row {
	g := i.groups[partition]
	if g == nil {
		return nil
	}
	order := func(a, b *row) int {
		return cmp.Or(strings.Compare(string(a.item[i.sort]), string(b.item[i.sort])), strings.Compare(a.key, b.key))
	}
	if !g.sorted {
		slices.SortFunc(g.rows, order)
		g.sorted = true
	}
	if last.item == nil {
		return g.rows
	}
	from, found := slices.BinarySearchFunc(g.rows, last, order)
	if found {
		from++
	}
	return g.rows[from:]
}

func (t *table) batch(in tableInput) (any, error) {
	items := []Item{}
	for _, key := range in.RequestItems[in.TableName].Keys {
		if r, ok := t.rows[t.key(key)]; ok {
			items = append(items, r.item)
			t.units.Reads += blocks(size(r.item), readUnit)
		}
	}
	return map[string]any{"Responses": map[string]any{in.TableName: items}, "UnprocessedKeys": map[string]any{}}, nil
}

func (t *table) update(in tableInput) (any, error) {
	item := Item{}
	if r, ok := t.rows[t.key(in.Key)]; ok {
		item = maps.Clone(r.item)
	}
	maps.Copy(item, in.Key)
	if err := in.apply(item); err != nil {
		return nil, err
	}
	t.units.Writes += t.store(item)
	return map[string]any{}, nil
}

// store puts a row in the place of one with its key, and returns what that costs: a write of
// the row, by its size before or after if that is more, and of each index;
// where the index's key has moved, a deletion and an insertion.
func (t *table) store(item Item) float64 {
	r := &row{key: t.key(item), item: item}
	before := t.rows[r.key]
	t.rows[r.key] = r
	t.replace(before, r)
	units := blocks(size(item), writeUnit)
	if before != nil {
		units = max(units, blocks(size(before.item), writeUnit))
	}
	for _, i := range t.indexes {
		if item[i.sort] == nil || item[i.partition] == nil {
			continue // indexes are sparse
		}
		writes := blocks(size(project(item, i.projected)), writeUnit)
		if i.replace(before, r) {
			writes *= 2
		}
		units += writes
	}
	return units
}

// replace reports whether the row has moved within the index.
func (i *index) replace(before, after *row) (moved bool) {
	of := func(r *row) *group {
		name := string(r.item[i.partition])
		if i.groups[name] == nil {
			i.groups[name] = &group{}
		}
		return i.groups[name]
	}
	if before != nil {
		g := of(before)
		at := slices.Index(g.rows, before)
		moved = string(before.item[i.sort]) != string(after.item[i.sort]) || g != of(after)
		if !moved {
			g.rows[at] = after
			return false
		}
		g.rows = slices.Delete(g.rows, at, at+1)
	}
	g := of(after)
	g.rows, g.sorted = append(g.rows, after), false
	return moved
}

func (t *table) key(of Item) string { return string(of[t.partition]) + "\x00" + string(of[t.sort]) }

// project takes some attributes of a row; all where names is nil.
func project(item Item, names []string) Item {
	if names == nil {
		return item
	}
	out := Item{}
	for _, name := range names {
		if value, ok := item[name]; ok {
			out[name] = value
		}
	}
	return out
}

// name resolves an attribute's name or placeholder.
func (in tableInput) name(path string) string {
	return cmp.Or(in.ExpressionAttributeNames[path], path)
}

// apply runs an update expression of the forms
//
//	SET path = :value, … REMOVE path, …
//
// with paths of one name.
func (in tableInput) apply(item Item) error {
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
			delete(item, path)
		case clause == "SET" && i+2 < len(tokens) && tokens[i+1] == "=" && in.ExpressionAttributeValues[tokens[i+2]] != nil:
			item[path] = in.ExpressionAttributeValues[tokens[i+2]]
			i += 2
		default:
			return badRequest("update expression %q is not understood at %q", in.UpdateExpression, tokens[i])
		}
	}
	return nil
}

// Units are what DynamoDB charges for on demand.
type Units struct{ Reads, Writes float64 }

const (
	pageSize  = 1 << 20 // bytes that a query answers at most
	readUnit  = 4 << 10 // bytes that one unit reads consistently
	writeUnit = 1 << 10
)

// Units are all that was charged so far.
func (a *AWS) Units() Units {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.units
}

// size is the bytes of a row as DynamoDB counts them: names and values. A number takes a
// byte for two digits, and one.
func size(item Item) int {
	const wrapping = len(`{"S":""}`)
	sum := 0
	for name, value := range item {
		sum += len(name)
		if length := len(value) - wrapping; value[2] == 'N' {
			sum += (length+1)/2 + 1
		} else {
			sum += length
		}
	}
	return sum
}

// blocks is how many blocks of that many bytes hold n.
func blocks(n, of int) float64 { return float64((n + of - 1) / of) }
