package seed

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	// maxName is how much of a name is shown: enough to recognise a secret that was pasted as a name.
	maxName = 64
	// maxNames is how many names are shown.
	maxNames = 10
)

// Shown makes another's name safe to show: short, and without control characters.
func Shown(name string) string {
	if runes := []rune(name); len(runes) > maxName {
		name = string(runes[:maxName]) + "…"
	}
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` || name == "" || strings.Contains(name, " ") {
		return quoted
	}
	return name
}

// ShownAll makes names safe to show, and says how many more there are.
func ShownAll(names []string) []string {
	var shown []string
	for i, name := range names {
		if i == maxNames {
			return append(shown, fmt.Sprintf("and %d more", len(names)-maxNames))
		}
		shown = append(shown, Shown(name))
	}
	return shown
}
