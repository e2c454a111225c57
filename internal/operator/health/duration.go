package health

import (
	"fmt"
	"time"
)

// Short is a duration for people, in its two largest units at most: 45s, 12m, 9h48m, 3d4h. It is
// never rounded up.
func Short(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d/time.Second))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d/time.Minute))
	case d < 24*time.Hour:
		return two(d, time.Hour, "h", time.Minute, "m")
	}
	return two(d, 24*time.Hour, "d", time.Hour, "h")
}

func two(d, large time.Duration, largeName string, small time.Duration, smallName string) string {
	text := fmt.Sprintf("%d%s", int(d/large), largeName)
	if rest := int(d % large / small); rest > 0 {
		text += fmt.Sprintf("%d%s", rest, smallName)
	}
	return text
}
