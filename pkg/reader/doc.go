// Package reader gives a service the access token that the refresh functions publish,
// and keeps it no longer than it should:
//
//	source := awsreader.Secret(secretsmanager.NewFromConfig(cfg), "token-refresh/hesabe/default/access")
//	tokens := reader.NewTokenSource(source, reader.Options{})
//	transport, err := reader.NewTransport(tokens, "https://merchantapi.hesabe.com")
//	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
//	response, err := client.Get("https://merchantapi.hesabe.com/api/…")
//
// A [TokenSource] hands out a token that has at least Options.MinLife left, reads it again when a
// newer one is due, and is shared by all goroutines: make one for each token. A [Transport] sets
// the header, and after a 401 reads once more and sends once more. A service that does not use HTTP
// calls Get, and Renew when the other side refuses the token. Options.OnRejected is called for a
// token that was revoked before its time.
//
// A [Source] reads the published token: package awsreader from AWS, package filereader from the
// file of a single machine. This package and its sources never see a refresh token, except
// filereader, whose file holds everything.
//
// A [Token] masks its secrets in every format. An [oauth2.Token] is a plain struct that
// masks nothing: never log one.
package reader
