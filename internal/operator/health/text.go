package health

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"tokenrefresh/pkg/store"
)

// Short is a duration for people, in its two largest units at most: 45s, 9m5s, 12m, 9h48m, 3d4h.
// From ten minutes on it has no seconds. It is never rounded up.
func Short(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d/time.Second))
	case d < 10*time.Minute:
		return two(d, time.Minute, "m", time.Second, "s")
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

// command is a tokenctl command about this credential.
func (c Credential) command(words string) string { return Command(words, c.Key, c.Flags) }

// Command is a line for tokenctl about an account.
func Command(words string, of store.Key, flags string) string {
	words += " --provider " + of.Provider
	if of.Account != "default" {
		words += " --account " + of.Account
	}
	return Tokenctl(words, flags)
}

// doctor is the command that checks everything around the credentials.
func (c Credential) doctor() string { return Tokenctl("doctor", c.Flags) }

// Tokenctl is a line for tokenctl, with the flags that find the home.
func Tokenctl(words, flags string) string {
	return strings.TrimSpace("tokenctl " + words + " " + flags)
}

// ofAWS are the flags that AWS's own command has too.
var ofAWS = regexp.MustCompile(`--(?:region|profile) (?:'[^']*'|\S+)`)

// aws is a command of AWS's CLI.
func (c Credential) aws(words string) string {
	return strings.Join(append([]string{"aws", words}, ofAWS.FindAllString(c.Flags, -1)...), " ")
}
