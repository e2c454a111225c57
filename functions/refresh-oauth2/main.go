// Refresh-oauth2 keeps the access tokens of any OAuth 2 server fresh.
package main

import (
	"tokenrefresh/pkg/function"
	"tokenrefresh/pkg/providers/oauth2"
)

func main() { function.StartRefresh(oauth2.New) }
