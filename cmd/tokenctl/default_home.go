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
	region := home.Region(cmd.Context(), o.aws())
	o.home = home.AWS
	switch {
	case cmd.Flags().Changed("state"):
		o.home = home.Embedded
	case region != "":
		o.notice = fmt.Sprintf("home: AWS in %s (--home embedded for a state file)", region)
	case err != nil:
		o.notice = fmt.Sprintf("home: AWS, as there is no state file %s (--home embedded begins one)", o.state)
	default:
		o.home = home.Embedded
		o.notice = fmt.Sprintf("home: the state file %s, as no AWS region is set (--home says otherwise)", o.state)
	}
}
