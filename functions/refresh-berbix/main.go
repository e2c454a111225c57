// Refresh-berbix keeps the access tokens of Berbix's transactions fresh.
package main

import (
	"tokenrefresh/pkg/function"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/berbix"
	"tokenrefresh/pkg/providers/exchange"
)

func main() {
	function.StartSweep(func(client *exchange.Client, environment string) providers.Provider {
		return berbix.New(client, environment)
	})
}
