package awsreader_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/reader/awsreader"
)

// An HTTP client for Hesabe's API, with the token from the stack's output HesabeAccess.
func ExampleSecret() {
	aws, stop := stub()
	defer stop()

	cfg, err := config.LoadDefaultConfig(context.Background(), aws)
	if err != nil {
		fmt.Println(err)
		return
	}
	source := awsreader.Secret(secretsmanager.NewFromConfig(cfg), "token-refresh/hesabe/default/access")
	tokens := reader.NewTokenSource(source, reader.Options{})
	transport, err := reader.NewTransport(tokens, "https://merchantapi.hesabe.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second} // make one, share it
	_ = client

	token, err := tokens.Get(context.Background())
	fmt.Println(token.AccessToken.Reveal(), err)

	// Output:
	// at-1 <nil>
}

// The tokens of a Berbix transaction: the service uses the access token, and hands the
// client token to the browser.
func ExampleTransaction() {
	aws, stop := stub()
	defer stop()

	cfg, err := config.LoadDefaultConfig(context.Background(), aws)
	if err != nil {
		fmt.Println(err)
		return
	}
	source := awsreader.Transaction(dynamodb.NewFromConfig(cfg), "token-refresh-transactions", 1234567890123)
	token, err := reader.NewTokenSource(source, reader.Options{}).Get(context.Background())
	fmt.Println(token.AccessToken.Reveal(), token.ClientToken.Reveal(), err)

	// Output:
	// at-2 ct-2 <nil>
}

// stub stands for AWS and the role of the service, so that the examples run anywhere.
// Leave it out.
func stub() (aws config.LoadOptionsFunc, stop func()) {
	answers := map[string]string{
		"secretsmanager.GetSecretValue": `{"SecretString":"{\"access_token\":\"at-1\",\"access_expires_at\":\"2199-11-21T22:15:00Z\"}"}`,
		"DynamoDB_20120810.GetItem": `{"Item":{"status":{"S":"active"},"access_token":{"S":"at-2"},"client_token":{"S":"ct-2"},` +
			`"access_expires_at":{"S":"2199-11-21T22:15:00Z"}}}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, answers[r.Header.Get("X-Amz-Target")])
	}))
	return func(o *config.LoadOptions) error {
		o.Region, o.BaseEndpoint = "eu-west-1", server.URL
		o.Credentials = (&script{}).config().Credentials
		return nil
	}, server.Close
}
