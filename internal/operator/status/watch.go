package status

import (
	"context"
	"time"
)

// Watch looks at once and then again and again, until ctx ends, which is no error. show is
// told of each look, also of one that failed.
func Watch(
	ctx context.Context, every time.Duration, look func(context.Context) (Report, error), show func(Report, error) error,
) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		report, err := look(ctx)
		if ctx.Err() != nil {
			return nil // whoever watches has seen enough
		}
		if err := show(report, err); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}
