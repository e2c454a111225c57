// Refresh-hesabe keeps the access tokens of Hesabe's Merchant API fresh.
package main

import (
	"tokenrefresh/pkg/function"
	"tokenrefresh/pkg/providers/hesabe"
)

func main() { function.StartRefresh(hesabe.New) }
