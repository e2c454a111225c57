package awshome

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/strict"
)

// item is a row of a table. An attribute without a value is absent.
type item map[string]types.AttributeValue

func text(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }

func number(value int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(value, 10)}
}

func (i item) putText(name, value string) {
	if value != "" {
		i[name] = text(value)
	}
}

func (i item) putNumber(name string, value int64) {
	if value != 0 {
		i[name] = number(value)
	}
}

// putFlag adds a flag that is set.
func (i item) putFlag(name string, value bool) {
	if value {
		i[name] = &types.AttributeValueMemberBOOL{Value: true}
	}
}

func (i item) putTime(name, layout string, value time.Time) {
	if !value.IsZero() {
		i[name] = text(value.UTC().Format(layout))
	}
}

// reader reads attributes and collects those that can't be read, without quoting a value.
type reader struct {
	item     item
	mistakes []error
}

func (r *reader) wrong(name, want string) {
	r.mistakes = append(r.mistakes, fmt.Errorf("attribute %q is not %s", name, want))
}

// typed is an attribute of one type, which want names. ok is false if it is absent, or of another
// type.
func typed[V types.AttributeValue](r *reader, name, want string) (value V, ok bool) {
	stored := r.item[name]
	if stored == nil {
		return value, false
	}
	if value, ok = stored.(V); !ok {
		r.wrong(name, want)
	}
	return value, ok
}

func (r *reader) text(name string) string {
	if value, ok := typed[*types.AttributeValueMemberS](r, name, "a string"); ok {
		return value.Value
	}
	return ""
}

func (r *reader) number(name string) int64 {
	const want = "a whole number"
	value, ok := typed[*types.AttributeValueMemberN](r, name, want)
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(value.Value, 10, 64)
	if err != nil {
		r.wrong(name, want)
		return 0
	}
	return n
}

func (r *reader) bytes(name string) []byte {
	if value, ok := typed[*types.AttributeValueMemberB](r, name, "binary"); ok {
		return value.Value
	}
	return nil
}

func (r *reader) flag(name string) bool {
	value, ok := typed[*types.AttributeValueMemberBOOL](r, name, "a boolean")
	return ok && value.Value
}

func (r *reader) time(name string) time.Time {
	value := r.text(name)
	if value == "" {
		return time.Time{}
	}
	at, err := strict.Time(value)
	if err != nil {
		r.wrong(name, "a time of RFC 3339")
	}
	return at
}

func (r *reader) tally(name string) store.Tally {
	tally, err := store.ParseTally(r.text(name))
	if err != nil {
		r.wrong(name, "a tally of hours")
	}
	return tally
}

func (r *reader) texts(name string) []string {
	return list(r, name, "a list of strings", func(s *types.AttributeValueMemberS) (string, bool) { return s.Value, true })
}

// moments reads a list of seconds since the epoch.
func (r *reader) moments(name string) []time.Time {
	return list(r, name, "a list of whole numbers", func(n *types.AttributeValueMemberN) (time.Time, bool) {
		seconds, err := strconv.ParseInt(n.Value, 10, 64)
		return time.Unix(seconds, 0).UTC(), err == nil
	})
}

// list reads a list whose elements have one type and satisfy read; want names what they must be.
func list[V types.AttributeValue, T any](r *reader, name, want string, read func(V) (T, bool)) []T {
	all, ok := typed[*types.AttributeValueMemberL](r, name, "a list")
	if !ok {
		return nil
	}
	var values []T
	for _, element := range all.Value {
		stored, ok := element.(V)
		if ok {
			var value T
			value, ok = read(stored)
			values = append(values, value)
		}
		if !ok {
			r.wrong(name, want)
			return nil
		}
	}
	return values
}

// within reads a map; a mistake in it is one of r, under name.
func (r *reader) within(name string, read func(*reader)) {
	value, ok := typed[*types.AttributeValueMemberM](r, name, "a map")
	if !ok {
		return
	}
	inner := reader{item: value.Value}
	read(&inner)
	for _, err := range inner.mistakes {
		r.mistakes = append(r.mistakes, fmt.Errorf("%s: %w", name, err))
	}
}

// err is nil if all could be read.
func (r *reader) err(table, row string) error {
	if len(r.mistakes) == 0 {
		return nil
	}
	return fmt.Errorf("table %q, row %s: %w", table, row, errors.Join(r.mistakes...))
}

// holds reports whether the named attributes are in stored as values has them.
func holds(stored item, attributes []string, values item) bool {
	for _, name := range attributes {
		if !reflect.DeepEqual(stored[name], values[name]) {
			return false
		}
	}
	return true
}
