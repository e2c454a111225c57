package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/home"
)

// settle chooses a home if neither --home nor $TOKENCTL_HOME names one: the state file, if --state
// names it or if it exists and no AWS region is set; else AWS. All verbs have this default.
func (o *options) settle(cmd *cobra.Command) {
	if o.home != "" {
		return
	}
	_, err := os.Stat(o.state)
	exists := err == nil
	switch region := home.Region(cmd.Context(), home.Options{Region: o.region, Profile: o.profile, Endpoint: o.endpoint}); {
	case cmd.Flags().Changed("state"):
		o.home = string(home.Embedded)
	case exists && region == "":
		o.home = string(home.Embedded)
		o.notice = fmt.Sprintf("home: the state file %s, as no AWS region is set (--home says otherwise)", o.state)
	case region == "":
		o.home = string(home.AWS)
		o.notice = fmt.Sprintf("home: AWS, as there is no state file %s (--home embedded begins one)", o.state)
	default:
		o.home = string(home.AWS)
		o.notice = fmt.Sprintf("home: AWS in %s (--home embedded for a state file)", region)
	}
}

// tellHome prints once which home was chosen, if nobody named it.
func (o *options) tellHome() {
	if o.notice != "" && o.errOut != nil {
		fmt.Fprintln(o.errOut, "tokenctl:", o.notice)
		o.notice = ""
	}
}
