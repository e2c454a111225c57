package awshome

import (
	"encoding/base64"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// scanner reads JSON from text, without reflection and without a tree of values: a run reads the
// rows of all accounts. It is strict: after anything unexpected it has failed, and its results mean
// nothing.
type scanner struct {
	text   []byte
	at     int
	failed bool
}

// peek is the next byte that is not white space; 0 at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// take takes the byte c, if it is the next.
func (s *scanner) take(c byte) bool {
	if s.failed || s.peek() != c {
		return false
	}
	s.at++
	return true
}

// want takes the byte c, or fails.
func (s *scanner) want(c byte) {
	if !s.take(c) {
		s.failed = true
	}
}

// more reports whether another element follows in an object or a list that ends with end. n is
// how many were read before; it is counted up.
func (s *scanner) more(end byte, n *int) bool {
	if s.take(end) {
		return false
	}
	if *n > 0 {
		s.want(',')
	}
	*n++
	return !s.failed
}

// name reads the name of a member of an object.
func (s *scanner) name() []byte {
	name := s.string()
	s.want(':')
	return name
}

// string reads a string. Without escapes, the result is a part of text.
func (s *scanner) string() []byte {
	s.want('"')
	if s.failed {
		return nil
	}
	plain := true
	for begin := s.at; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			if plain {
				return s.text[begin : s.at-1]
			}
			var value string
			s.failed = json.Unmarshal(s.text[begin-1:s.at], &value) != nil
			return []byte(value)
		case c == '\\':
			plain = false
			s.at++
		case c < ' ':
			s.failed = true
			return nil
		case c > '~':
			plain = false
		}
	}
	s.failed = true
	return nil
}

// skip passes over a value.
func (s *scanner) skip() {
	switch n := 0; s.peek() {
	case '"':
		s.string()
	case '{':
		for s.want('{'); s.more('}', &n); {
			s.name()
			s.skip()
		}
	case '[':
		for s.want('['); s.more(']', &n); {
			s.skip()
		}
	default:
		begin := s.at
		for s.at < len(s.text) && (s.text[s.at] > ' ' && s.text[s.at] != ',' && s.text[s.at] != '}' && s.text[s.at] != ']') {
			s.at++
		}
		s.failed = s.failed || !json.Valid(s.text[begin:s.at])
	}
}

// attribute reads a value of DynamoDB. A value of a type that no attribute here has is NULL.
func (s *scanner) attribute() (value types.AttributeValue) {
	s.want('{')
	switch n := 0; string(s.name()) {
	case "S":
		value = &types.AttributeValueMemberS{Value: string(s.string())}
	case "N":
		value = &types.AttributeValueMemberN{Value: string(s.string())}
	case "BOOL":
		s.peek()
		begin := s.at
		s.skip()
		value = &types.AttributeValueMemberBOOL{Value: string(s.text[begin:s.at]) == "true"}
	case "B":
		raw, err := base64.StdEncoding.DecodeString(string(s.string()))
		s.failed = s.failed || err != nil
		value = &types.AttributeValueMemberB{Value: raw}
	case "L":
		list := &types.AttributeValueMemberL{}
		for s.want('['); s.more(']', &n); {
			list.Value = append(list.Value, s.attribute())
		}
		value = list
	case "M":
		inner := item{}
		s.item(inner, anyAttribute)
		value = &types.AttributeValueMemberM{Value: inner}
	default:
		s.skip()
		value = &types.AttributeValueMemberNULL{Value: true}
	}
	s.want('}')
	return value
}

// item reads those attributes of an item whose names are in known.
func (s *scanner) item(into item, known func(name []byte) (string, bool)) {
	n := 0
	for s.want('{'); s.more('}', &n); {
		if name, ok := known(s.name()); ok {
			into[name] = s.attribute()
		} else {
			s.skip()
		}
	}
}
