package awshome

import (
	"context"
	"net"
	"net/url"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// secretsAtOnce is how many connections to Secrets Manager a refresh uses: it reads three secrets at
// once. It uses one to DynamoDB.
const secretsAtOnce = 3

// Prepare opens the connections of a refresh before its first call, because a function has a whole
// processor while it starts. It returns when they are open, when they have failed or when ctx ends,
// and reports whether one to Secrets Manager is open. It sends no request. A failure is left to the
// first call, which opens a connection of its own. An address without TLS is left alone.
//
// A connection that no call has taken within spare.MaxIdle is closed.
func (c *Clients) Prepare(ctx context.Context) bool {
	client, ok := c.DynamoDB.Options().HTTPClient.(*httpClient)
	if !ok {
		return false
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		tables, _ := resolve(ctx, c.DynamoDB.Options())
		client.open(ctx, tables.URI)
	})
	o, stands := c.SecretsManager.Options(), make([]bool, secretsAtOnce)
	secrets, _ := o.EndpointResolverV2.ResolveEndpoint(ctx, secretsmanager.EndpointParameters{
		Region: &o.Region, Endpoint: o.BaseEndpoint,
		UseFIPS:      aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
	})
	for i := range stands {
		wg.Go(func() { stands[i] = client.open(ctx, secrets.URI) })
	}
	wg.Wait()
	return slices.Contains(stands, true)
}

// open opens a connection to u, if that is the address of a server with TLS, and keeps it for the
// first call.
func (c *httpClient) open(ctx context.Context, u url.URL) bool {
	if u.Scheme != "https" {
		return false
	}
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), "443")
	}
	conn, err := c.dialTLS(ctx, "tcp", address)
	if err != nil {
		return false
	}
	c.spares.Keep(address, conn)
	return true
}
