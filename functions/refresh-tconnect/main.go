// Refresh-tconnect keeps the access tokens of TConnect's Payment Open API fresh.
package main

import (
	"tokenrefresh/pkg/function"
	"tokenrefresh/pkg/providers/tconnect"
)

func main() { function.StartRefresh(tconnect.New) }
