package awshome

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
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

// update returns an update expression that sets the named attributes to those of values, and its
// parameters; a condition may use them as #name and :name.
func update(attributes []string, values item) (expression string, names map[string]string, parameters item) {
	set, remove := make([]string, 0, len(attributes)), []string(nil)
	names, parameters = make(map[string]string, len(attributes)), make(item, len(attributes)+1)
	for _, name := range attributes {
		names["#"+name] = name
		if value := values[name]; value != nil {
			parameters[":"+name] = value
			set = append(set, "#"+name+" = :"+name)
		} else {
			remove = append(remove, "#"+name)
		}
	}
	if len(set) > 0 {
		expression = "SET " + strings.Join(set, ", ")
	}
	if len(remove) > 0 {
		expression += " REMOVE " + strings.Join(remove, ", ")
	}
	return expression, names, parameters
}

// reader reads attributes and collects those that can't be read, without quoting a value.
type reader struct {
	item     item
	mistakes []error
}

func (r *reader) wrong(name, want string) {
	r.mistakes = append(r.mistakes, fmt.Errorf("attribute %q is not %s", name, want))
}

func (r *reader) text(name string) string {
	switch value := r.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberS:
		return value.Value
	default:
		r.wrong(name, "a string")
	}
	return ""
}

func (r *reader) number(name string) int64 {
	if r.item[name] == nil {
		return 0
	}
	value, ok := r.item[name].(*types.AttributeValueMemberN)
	if ok {
		if n, err := strconv.ParseInt(value.Value, 10, 64); err == nil {
			return n
		}
	}
	r.wrong(name, "a whole number")
	return 0
}

func (r *reader) bytes(name string) []byte {
	switch value := r.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberB:
		return value.Value
	default:
		r.wrong(name, "binary")
	}
	return nil
}

func (r *reader) flag(name string) bool {
	switch value := r.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberBOOL:
		return value.Value
	default:
		r.wrong(name, "a boolean")
	}
	return false
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
	return list(r, name, "a list of strings", func(value types.AttributeValue) (string, bool) {
		s, ok := value.(*types.AttributeValueMemberS)
		if !ok {
			return "", false
		}
		return s.Value, true
	})
}

// moments reads a list of seconds since the epoch.
func (r *reader) moments(name string) []time.Time {
	return list(r, name, "a list of whole numbers", func(value types.AttributeValue) (time.Time, bool) {
		n, ok := value.(*types.AttributeValueMemberN)
		if !ok {
			return time.Time{}, false
		}
		seconds, err := strconv.ParseInt(n.Value, 10, 64)
		return time.Unix(seconds, 0).UTC(), err == nil
	})
}

// list reads a list whose elements all satisfy read; in a mistake, want names what they must be.
func list[T any](r *reader, name, want string, read func(types.AttributeValue) (T, bool)) []T {
	if r.item[name] == nil {
		return nil
	}
	all, ok := r.item[name].(*types.AttributeValueMemberL)
	if !ok {
		r.wrong(name, "a list")
		return nil
	}
	var values []T
	for _, element := range all.Value {
		value, ok := read(element)
		if !ok {
			r.wrong(name, want)
			return nil
		}
		values = append(values, value)
	}
	return values
}

// within reads a map; a mistake in it is one of r, under name.
func (r *reader) within(name string, read func(*reader)) {
	if r.item[name] == nil {
		return
	}
	value, ok := r.item[name].(*types.AttributeValueMemberM)
	if !ok {
		r.wrong(name, "a map")
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
