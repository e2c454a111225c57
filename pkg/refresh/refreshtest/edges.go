package refreshtest

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
)

// Edge is a change of a row from one stage to another, as an engine logs it.
type Edge struct{ Name, From, To string }

// Edges lists the ways in which engines have changed rows, each once.
func (w *World) Edges() []Edge {
	defer w.lock()()
	return slices.Collect(maps.Keys(w.edges))
}

var (
	walkedMu sync.Mutex
	walked   = map[Edge]bool{}
)

// Walked lists the edges of all worlds of this process, each once.
func Walked() []Edge {
	walkedMu.Lock()
	defer walkedMu.Unlock()
	return slices.Collect(maps.Keys(walked))
}

// edgeLog collects the edges that an engine logs.
type edgeLog struct{ world *World }

func (edgeLog) Enabled(_ context.Context, level slog.Level) bool { return level == slog.LevelDebug }

func (l edgeLog) Handle(_ context.Context, r slog.Record) error {
	var e Edge
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "edge":
			e.Name = a.Value.String()
		case "from":
			e.From = a.Value.String()
		case "to":
			e.To = a.Value.String()
		}
		return true
	})
	if e.Name != "" {
		defer l.world.lock()()
		l.world.edges[e] = true
		walkedMu.Lock()
		defer walkedMu.Unlock()
		walked[e] = true
	}
	return nil
}

func (l edgeLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l edgeLog) WithGroup(string) slog.Handler      { return l }
