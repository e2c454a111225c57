package filereader_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/reader/filereader"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// A service reads the file of the embedded home beside the process that refreshes.
func ExampleAccess() {
	path, remove := published(`{"access_token":"at-1","token_type":"Bearer","access_expires_at":"2199-11-21T22:15:00Z"}`)
	defer remove()

	tokens := reader.NewTokenSource(filereader.Access(path, "hesabe", "default"), reader.Options{})
	token, err := tokens.Get(context.Background())
	fmt.Println(token.Type, token.AccessToken.Reveal(), err)

	// Output:
	// Bearer at-1 <nil>
}

// published is what that process has done before: a file with an access token.
func published(document string) (path string, remove func()) {
	dir, err := os.MkdirTemp("", "filereader")
	if err != nil {
		panic(err)
	}
	path = filepath.Join(dir, "state.db")
	home, err := embedded.Open(context.Background(), path)
	if err != nil {
		panic(err)
	}
	key := store.Key{Provider: "hesabe", Account: "default"}
	if err := home.Secrets().CreateSecret(context.Background(), key, store.AccessDoc); err != nil {
		panic(err)
	}
	if _, err := home.Secrets().PutCurrent(context.Background(), key, store.AccessDoc, secret.New(document)); err != nil {
		panic(err)
	}
	return path, func() { _ = os.RemoveAll(dir) }
}
