// Refresh-hesabe keeps the access tokens of Hesabe's Merchant API fresh.
package main

import (
	"tokenrefresh/pkg/function"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/hesabe"
)

func main() {
	function.StartRefresh(func(client *exchange.Client, environment string) providers.Provider {
		return hesabe.New(client, environment)
	})
}
