package status

import (
	"context"
	"time"
)

// Watch looks at once and then repeatedly, until ctx ends, which is no error. It calls show for
// each look, even after a failure.
func Watch(
	ctx context.Context, every time.Duration, look func(context.Context) (Report, error), show func(Report, error) error,
) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		report, err := look(ctx)
		if ctx.Err() != nil {
			return nil // the reader of the output has gone
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
