package reply

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

const (
	// maxDepth is how deep in a reply its tokens are looked for.
	maxDepth = 6
	// maxQuoted is how often JSON may be nested in a string of other JSON.
	maxQuoted = 3
	// maxStarts is how many places are tried as the beginning of damaged JSON.
	maxStarts = 64
)

// Document is the readable part of a reply's JSON.
type Document struct {
	// Root is the whole reply; nil if that is not an object. Something may follow it.
	Root Object
	// Whole reports whether the text is Root and nothing else.
	Whole bool

	token  Object // the object with an access token; nil: none
	path   string // where token is, as "response.token"
	spare  bool   // another place has something named like a refresh token
	broken bool   // the JSON around token is damaged
}

// Read reads text. It finds tokens wherever they are in it, in JSON inside a string, or before and
// after damage.
func Read(text string) Document {
	var d Document
	raw := asJSON(text)
	if json.Valid(raw) {
		d.Root = object(raw)
		d.Whole = d.Root != nil
		d.search(raw)
		return d
	}
	for start, tries := 0, 0; tries < maxStarts; tries++ {
		next := strings.IndexAny(string(raw[start:]), "{[")
		if next < 0 {
			break
		}
		leading := strings.TrimSpace(string(raw[:start+next])) == ""
		start += next
		var value json.RawMessage
		if json.NewDecoder(strings.NewReader(string(raw[start:]))).Decode(&value) == nil {
			if d.search(value); leading {
				d.Root = object(value)
			}
			if d.token != nil {
				d.broken = true
				d.spare = d.spare || named(string(raw[:start])+string(raw[start+len(value):]))
				return d
			}
			start += len(value)
			continue
		}
		start++
	}
	if IsHTML(text) {
		return d
	}
	d.token = salvage(string(raw))
	d.broken = d.token != nil
	return d
}

// Texts are the texts of a reply: those in its JSON, or all of it if it is not JSON.
func Texts(text string) []string {
	raw := asJSON(text)
	if !json.Valid(raw) {
		return []string{text}
	}
	if whole, ok := quoted(raw); ok {
		return []string{whole}
	}
	var all []string
	walk(raw, func(_ string, o Object) {
		for _, name := range slices.Sorted(maps.Keys(o)) {
			if inner, ok := quoted(o[name]); ok {
				all = append(all, inner)
			}
		}
	})
	return all
}

// Token is the object that holds the tokens; nil if there is none.
func (d Document) Token() Object { return d.token }

// search finds the object that holds tokens: the first with both, else the first with
// an access token.
func (d *Document) search(root json.RawMessage) {
	type place struct {
		path   string
		object Object
	}
	var places []place
	walk(root, func(path string, o Object) {
		if accessToken(o) != "" {
			places = append(places, place{path, o})
		}
	})
	if len(places) == 0 {
		return
	}
	best := max(0, slices.IndexFunc(places, func(p place) bool { return refreshTokenOf(p.object) != "" }))
	d.token, d.path = places[best].object, places[best].path
	walk(root, func(path string, o Object) {
		inside := strings.HasPrefix(path, d.path+".") // describes the tokens, as claims do
		if path != d.path && !inside && hasSpare(o, d.path, path) {
			d.spare = true
		}
	})
}

// walk visits each object in raw, those above before those in them.
func walk(raw json.RawMessage, visit func(path string, o Object)) {
	type node struct {
		path string
		raw  json.RawMessage
	}
	level := []node{{"", raw}}
	for depth := 0; depth < maxDepth && len(level) > 0; depth++ {
		var below []node
		for _, n := range level {
			for range maxQuoted {
				if text, ok := quoted(n.raw); ok && json.Valid([]byte(text)) {
					n.raw = json.RawMessage(strings.TrimSpace(text))
				}
			}
			var list []json.RawMessage
			if o := object(n.raw); o != nil {
				visit(n.path, o)
				for _, name := range slices.Sorted(maps.Keys(o)) {
					below = append(below, node{strings.TrimPrefix(n.path+"."+name, "."), o[name]})
				}
			} else if json.Unmarshal(n.raw, &list) == nil {
				for _, inner := range list {
					below = append(below, node{n.path, inner})
				}
			}
		}
		level = below
	}
}

// object is raw as an object; nil if it is not one.
func object(raw json.RawMessage) Object {
	var o Object
	_ = json.Unmarshal(raw, &o) // which leaves it nil otherwise
	return o
}
