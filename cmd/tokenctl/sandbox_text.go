package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"tokenrefresh/internal/operator/seed"
)

// playReport describes what sandbox has set up.
type playReport struct {
	Providers map[string]string `json:"providers"` // their addresses
	CA        string            `json:"ca,omitempty"`
	State     string            `json:"state,omitempty"` // the state file
	AWS       *playAWS          `json:"aws,omitempty"`
}

// playAWS is the emulated AWS.
type playAWS struct {
	URL          string `json:"url"`
	Region       string `json:"region"`
	SecretPrefix string `json:"secret_prefix"`
	TablePrefix  string `json:"table_prefix"`
}

// text shows people what there is, and what to type next.
func (r playReport) text() string {
	var b strings.Builder
	for _, provider := range seed.Played() {
		fmt.Fprintf(&b, "  %-12s%s\n", provider.Name, r.Providers[provider.Name])
	}
	if r.State != "" {
		fmt.Fprintf(&b, "  %-12s%s, with their credentials\n", "state file", r.State)
	}
	if r.AWS != nil {
		fmt.Fprintf(&b, "  %-12s%s, region %s, with their credentials in %s/*\n", "AWS", r.AWS.URL, r.AWS.Region, r.AWS.SecretPrefix)
	}
	if r.CA != "" {
		fmt.Fprintf(&b, "  %-12s%s\n", "trust", r.CA)
	}
	b.WriteString("\nIn other terminals:\n\n")
	for _, command := range r.commands() {
		fmt.Fprintf(&b, "  %s\n", command)
	}
	b.WriteString("\nAn interrupt (Ctrl-C) ends the providers.")
	return b.String()
}

// commands are the next commands to type.
func (r playReport) commands() []string {
	self := quoted(os.Args[0])
	if r.AWS != nil && r.CA != "" {
		profile := map[string]string{"arm64": "local-arm64"}[runtime.GOARCH]
		if profile == "" {
			profile = "local"
		}
		return []string{
			"sam build --config-env " + profile,
			"sam local invoke RefreshHesabe --config-env " + profile + " --region " + r.AWS.Region +
				" --event events/refresh-hesabe/scheduled.json",
			r.variables() + self + " status" + r.home(),
		}
	}
	trust := ""
	if r.CA != "" {
		trust = "SSL_CERT_FILE=" + quoted(r.CA) + " "
	}
	return []string{
		r.variables() + trust + self + " run" + r.home() + " --every 5s",
		r.variables() + self + " status" + r.home() + " --watch",
		r.variables() + trust + self + " refresh" + r.home() + " --provider hesabe --force",
	}
}

// home are the flags that name the home.
func (r playReport) home() string {
	if r.AWS == nil {
		return " --home embedded --state " + quoted(r.State)
	}
	return fmt.Sprintf(" --home aws --secret-prefix %s --table-prefix %s", quoted(r.AWS.SecretPrefix), quoted(r.AWS.TablePrefix))
}

// variables name the emulated AWS to a command.
func (r playReport) variables() string {
	if r.AWS == nil {
		return ""
	}
	return fmt.Sprintf("AWS_ENDPOINT_URL=%s AWS_REGION=%s AWS_ACCESS_KEY_ID=testing AWS_SECRET_ACCESS_KEY=testing ",
		quoted(r.AWS.URL), quoted(r.AWS.Region))
}
