// Package reader gives a service the access token that the refresh functions publish,
// and keeps it no longer than it should:
//
//	source := awsreader.Secret(secretsmanager.NewFromConfig(cfg), "token-refresh/hesabe/default/access")
//	tokens := reader.NewTokenSource(source, reader.Options{})
//	transport, err := reader.NewTransport(tokens, "https://merchantapi.hesabe.com")
//	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
//	response, err := client.Get("https://merchantapi.hesabe.com/api/…")
//
// A [TokenSource] hands out a token that has at least Options.MinLife left, reads it
// again when a newer one is due, and is shared by all goroutines: make one a token. A
// [Transport] sets the header, and after a 401 reads once more and sends once more.
// Who does not speak HTTP calls Get, and Renew where the other side refuses the token.
// Options.OnRejected learns of a token that was revoked before its time.
//
// Where tokens lie is a [Source]: package awsreader has AWS's, package filereader that
// of a single machine. This package and its sources never see a refresh token, but for
// filereader, whose file holds everything.
//
// A [Token] masks its secrets in every format. An [oauth2.Token] is a plain struct that
// masks nothing: never log one.
package reader
