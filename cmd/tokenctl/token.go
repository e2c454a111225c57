package main

import (
	"time"

	"github.com/spf13/cobra"

	"tokenrefresh/pkg/reader"
)

// printed is the JSON of a token.
type printed struct {
	AccessToken string    `json:"access_token"`
	TokenType   string    `json:"token_type"`
	ExpiresAt   time.Time `json:"access_expires_at"`
	RefreshAt   time.Time `json:"refresh_at,omitzero"`
	ClientToken string    `json:"client_token,omitempty"`
	AttemptID   string    `json:"attempt_id,omitempty"`
}

func tokens(o *options) *cobra.Command {
	var r reading
	cmd := &cobra.Command{
		Use:   "token --provider P [--account A | --transaction ID] [--min-life D]",
		Short: "Print an access token that is valid now",
		Long: `Token prints the published access token, if it has the life left that --min-life asks for; otherwise it prints
nothing and fails. It reads as your services do, and refreshes nothing. For a program in a terminal use exec,
which keeps the token out of your history and your screen:

  curl -H "Authorization: Bearer $(tokenctl token --provider hesabe)" https://…

--json also tells until when it is valid. It needs the permission to read the secret "access", or the row of a
Berbix transaction, and no other.`,
		Args: cobra.NoArgs,
	}
	r.register(cmd, o)
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error {
		token, err := r.read(cmd, o)
		if err != nil {
			return err
		}
		return o.print(cmd, asPrinted(token), token.AccessToken.Reveal())
	})
	return cmd
}

func asPrinted(t reader.Token) printed {
	return printed{
		AccessToken: t.AccessToken.Reveal(), TokenType: typeOf(t), ExpiresAt: t.ExpiresAt, RefreshAt: t.RefreshAt,
		ClientToken: t.ClientToken.Reveal(), AttemptID: t.AttemptID,
	}
}

func typeOf(t reader.Token) string {
	if t.Type == "" {
		return "Bearer"
	}
	return t.Type
}
