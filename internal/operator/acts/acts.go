// Package acts records what operators do: who, when and what.
package acts

import (
	"context"
	"log/slog"
	"os"
	"os/user"

	"tokenrefresh/pkg/announce"
)

// Recorder stores acts where people look for them.
type Recorder interface {
	// Record stores an act. An error is where it was not stored; the act itself is done.
	Record(ctx context.Context, act announce.Act) error
}

// Log records acts of a single machine in the log of the verb.
type Log struct{ Log *slog.Logger }

// Record implements Recorder.
func (l Log) Record(ctx context.Context, act announce.Act) error {
	if act.By == "" {
		act.By = self()
	}
	l.Log.LogAttrs(ctx, slog.LevelInfo, "act", attrs(act)...)
	return nil
}

// self is the user of this process; with sudo, the user who has called it.
func self() string {
	name := os.Getenv("SUDO_USER")
	if name == "" {
		if u, err := user.Current(); err == nil {
			name = u.Username
		}
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}

func attrs(act announce.Act) []slog.Attr {
	all := []slog.Attr{slog.String("act", act.Act), slog.String("by", act.By)}
	for _, a := range []slog.Attr{
		slog.String("provider", act.Provider), slog.String("account", act.Account), slog.String("details", act.Details),
	} {
		if a.Value.String() != "" {
			all = append(all, a)
		}
	}
	return append(all, slog.String("tool", act.Tool))
}
