// Refresh-berbix keeps the access tokens of Berbix's transactions fresh.
package main

import (
	"tokenrefresh/pkg/function"
	"tokenrefresh/pkg/homes/awsqueue"
	"tokenrefresh/pkg/providers/berbix"
)

func main() { function.StartSweep(berbix.New, awsqueue.New) }
