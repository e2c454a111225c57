// Command naive refreshes a Hesabe token the way most programs would: the SDK's
// default configuration, http.DefaultClient, and one call after the other. It makes
// the same calls as functions/refresh-hesabe and is what that one is measured against.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

type refresher struct {
	db      *dynamodb.Client
	secrets *secretsmanager.Client
	table   string
	prefix  string
}

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	r := refresher{
		db:      dynamodb.NewFromConfig(cfg),
		secrets: secretsmanager.NewFromConfig(cfg),
		table:   os.Getenv("LEDGER_TABLE"),
		prefix:  os.Getenv("SECRET_PREFIX") + "/hesabe/default/",
	}
	lambda.Start(r.handle)
}

type credentials struct {
	BaseURL string `json:"base_url"`
}

type tokens struct {
	AccessToken     string    `json:"access_token"`
	TokenType       string    `json:"token_type"`
	RefreshToken    string    `json:"refresh_token,omitempty"`
	IssuedAt        time.Time `json:"issued_at"`
	AccessExpiresAt time.Time `json:"access_expires_at"`
	Source          string    `json:"source"`
	AttemptID       string    `json:"attempt_id"`
}

type result struct {
	Outcomes map[string]int `json:"outcomes"`
}

func (r refresher) handle(ctx context.Context) (result, error) {
	fence, err := r.fence(ctx)
	if err != nil {
		return result{}, err
	}
	var creds credentials
	if _, err := r.read(ctx, "credentials", &creds); err != nil {
		return result{}, err
	}
	var old tokens
	base, err := r.read(ctx, "tokens", &old)
	if err != nil {
		return result{}, err
	}
	published, err := r.currentID(ctx, "access")
	if err != nil {
		return result{}, err
	}
	attempt := newUUID()
	if err := r.update(ctx, "SET phase = :phase, attempt_id = :attempt, fence = :next, base_version_id = :base", values{
		":phase": str("sending"), ":attempt": str(attempt), ":next": num(fence + 1), ":base": str(base), ":fence": num(fence),
	}); err != nil {
		return result{}, fmt.Errorf("claim: %w", err)
	}
	fresh, err := refresh(ctx, creds.BaseURL, old.RefreshToken)
	if err != nil {
		return result{}, err
	}
	fresh.AttemptID, fresh.Source = attempt, "refresh"
	return r.store(ctx, fresh, fence+1, base, published)
}

// store keeps, promotes and settles.
func (r refresher) store(ctx context.Context, fresh tokens, fence int64, base, published string) (result, error) {
	chain, err := r.put(ctx, "tokens", fresh.AttemptID, fresh)
	if err != nil {
		return result{}, err
	}
	access := fresh
	access.RefreshToken = ""
	if _, err := r.put(ctx, "access", fresh.AttemptID, access); err != nil {
		return result{}, err
	}
	if err := r.update(ctx, "SET escrow = :escrow", values{":escrow": str(chain), ":fence": num(fence)}); err != nil {
		return result{}, fmt.Errorf("escrow: %w", err)
	}
	if err := r.promote(ctx, "tokens", base, fresh.AttemptID); err != nil {
		return result{}, err
	}
	if err := r.promote(ctx, "access", published, fresh.AttemptID); err != nil {
		return result{}, err
	}
	if err := r.update(ctx, "SET phase = :phase, version_id = :version REMOVE escrow", values{
		":phase": str("idle"), ":version": str(fresh.AttemptID), ":fence": num(fence),
	}); err != nil {
		return result{}, fmt.Errorf("settle: %w", err)
	}
	return result{Outcomes: map[string]int{"refreshed": 1}}, nil
}
