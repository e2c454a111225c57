package health

// command is a line for tokenctl about this credential.
func (c Credential) command(words string) string {
	line := "tokenctl " + words + " --provider " + c.Key.Provider
	if c.Key.Account != usual {
		line += " --account " + c.Key.Account
	}
	return c.withFlags(line)
}

// doctor is the line that looks for what is wrong around the credentials.
func (c Credential) doctor() string { return c.withFlags("tokenctl doctor") }

func (c Credential) withFlags(line string) string {
	if c.Flags != "" {
		line += " " + c.Flags
	}
	return line
}
