// Refresh-tconnect keeps the access tokens of TConnect's Payment Open API fresh.
package main

import (
	"tokenrefresh/pkg/function"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/tconnect"
)

func main() {
	function.StartRefresh(func(client *exchange.Client, _ string) providers.Provider {
		return tconnect.New(client)
	})
}
