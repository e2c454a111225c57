// Package signed sends signed JSON to a service of AWS without the SDK's client. It is for calls
// where that client's layers or code cost too much.
package signed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Client calls one service.
type Client struct {
	Region      string
	Credentials aws.CredentialsProvider
	HTTP        aws.HTTPClient
	Endpoint    string
}

// signer keeps the keys that it has derived.
var signer = v4.NewSigner()

// Post sends body once, without a retry, and returns the answer as it came. sent reports whether
// the service may have received it.
func (c Client) Post(ctx context.Context, service, target, contentType string, body []byte) (
	answer *http.Response, sent bool, err error,
) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, false, errors.New("the endpoint is not an address") // which may carry a password
	}
	r.Header["Content-Type"], r.Header["X-Amz-Target"] = []string{contentType}, []string{target}
	credentials, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, false, err
	}
	sum := sha256.Sum256(body)
	if err := signer.SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), service, c.Region, time.Now()); err != nil {
		return nil, false, err
	}
	answer, err = c.HTTP.Do(r)
	return answer, true, err
}
