package reader_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/secret"
)

// mounted is a source of your own: the document can come from anywhere.
type mounted func() string

func (m mounted) String() string { return "the mounted secret" }

func (m mounted) Read(context.Context) (reader.Token, error) {
	return reader.ParseAccess(secret.New(m()))
}

func publish(token string, life time.Duration) string {
	now := time.Now()
	return fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","access_expires_at":%q,"refresh_at":%q}`,
		token, now.Add(life).Format(time.RFC3339), now.Add(life*4/5).Format(time.RFC3339))
}

// The provider revokes a token, and the request that meets this is sent again with the
// new one.
func Example() {
	valid := "first"
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("the provider is shown:", r.Header.Get("Authorization"))
		if r.Header.Get("Authorization") != "Bearer "+valid {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer provider.Close()
	source := mounted(func() string { return publish(valid, 15*time.Minute) })

	tokens := reader.NewTokenSource(source, reader.Options{})
	transport, err := reader.NewTransport(tokens, provider.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	for _, valid = range []string{"first", "second"} {
		response, err := client.Get(provider.URL + "/invoices")
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = response.Body.Close()
		fmt.Println(response.Status)
	}

	// Output:
	// the provider is shown: Bearer first
	// 200 OK
	// the provider is shown: Bearer first
	// the provider is shown: Bearer second
	// 200 OK
}

// A service that does not use HTTP gets the token itself, which prints as a mask.
func ExampleTokenSource_Get() {
	source := mounted(func() string { return publish("at-1", 15*time.Minute) })
	tokens := reader.NewTokenSource(source, reader.Options{MinLife: time.Minute})

	token, err := tokens.Get(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Type, token.AccessToken, token.AccessToken.Reveal())

	// Output:
	// Bearer [secret] at-1
}

// An error describes what is there, and has a type of its own.
func ExampleExpiredError() {
	source := mounted(func() string { return publish("at-1", -time.Hour) })
	_, err := reader.NewTokenSource(source, reader.Options{}).Get(context.Background())

	if expired, ok := errors.AsType[*reader.ExpiredError](err); ok {
		fmt.Println("without a token for an hour:", expired.Left < -59*time.Minute)
	}

	// Output:
	// without a token for an hour: true
}
