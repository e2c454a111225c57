package transactions

import (
	"strconv"
	"strings"
	"time"
)

// The requests come from encoders that put no space between a name and its value, and
// their texts need no escapes. Decoding them as JSON would cost more than all else here.

// text is the string of that name, wherever it stands; empty where there is none.
func text(body, name string) string { return between(body, `"`+name+`":"`) }

// attribute is the value of an attribute, of DynamoDB's type S or N.
func attribute(body, name, kind string) string { return between(body, `"`+name+`":{"`+kind+`":"`) }

// between is what follows start, up to the next quotation mark.
func between(body, start string) string {
	_, rest, _ := strings.Cut(body, start)
	value, _, closed := strings.Cut(rest, `"`)
	if !closed {
		return ""
	}
	return value
}

// number is the whole number of that name; 0 where there is none.
func number(body, name string) int {
	_, rest, _ := strings.Cut(body, `"`+name+`":`)
	end := strings.IndexAny(rest, ",}")
	if end < 0 {
		return 0
	}
	n, _ := strconv.Atoi(rest[:end])
	return n
}

// moment is a time of the table as seconds since the epoch.
func moment(value string) (int64, bool) {
	at, err := time.Parse(seconds, value)
	return at.Unix(), err == nil
}
