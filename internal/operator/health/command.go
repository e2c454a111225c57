package health

import (
	"regexp"
	"strings"
)

// command is a tokenctl command about this credential.
func (c Credential) command(words string) string {
	line := "tokenctl " + words + " --provider " + c.Key.Provider
	if c.Key.Account != "default" {
		line += " --account " + c.Key.Account
	}
	return c.withFlags(line)
}

// doctor is the command that checks everything around the credentials.
func (c Credential) doctor() string { return c.withFlags("tokenctl doctor") }

// ofAWS are the flags that AWS's own command has too.
var ofAWS = regexp.MustCompile(`--(?:region|profile) (?:'[^']*'|\S+)`)

// aws is a command of AWS's CLI.
func (c Credential) aws(words string) string {
	return strings.Join(append([]string{"aws", words}, ofAWS.FindAllString(c.Flags, -1)...), " ")
}

func (c Credential) withFlags(line string) string {
	if c.Flags != "" {
		line += " " + c.Flags
	}
	return line
}
