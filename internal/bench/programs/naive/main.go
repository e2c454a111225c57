// Command naive refreshes a Hesabe token the way most programs would: the SDK's default
// configuration, http.DefaultClient, and one call after the other. It makes the same calls as
// functions/refresh-hesabe, which is measured against it, and takes no care of anything.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/uuid"
)

type refresher struct {
	db            *dynamodb.Client
	secrets       *secretsmanager.Client
	table, prefix string
}

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	r := refresher{
		db: dynamodb.NewFromConfig(cfg), secrets: secretsmanager.NewFromConfig(cfg),
		table: os.Getenv("LEDGER_TABLE"), prefix: os.Getenv("SECRET_PREFIX") + "/hesabe/default/",
	}
	lambda.Start(func(ctx context.Context) (map[string]any, error) {
		return map[string]any{"outcomes": map[string]int{"refreshed": 1}}, r.refresh(ctx)
	})
}

type tokens struct {
	AccessToken     string    `json:"access_token"`
	TokenType       string    `json:"token_type"`
	RefreshToken    string    `json:"refresh_token,omitempty"`
	IssuedAt        time.Time `json:"issued_at"`
	AccessExpiresAt time.Time `json:"access_expires_at"`
	AttemptID       string    `json:"attempt_id"`
}

func (r refresher) refresh(ctx context.Context) error {
	_, err := r.db.Query(ctx, &dynamodb.QueryInput{
		TableName: &r.table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("provider = :provider"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":provider": text("hesabe")},
	})
	if err != nil {
		return err
	}
	var credentials struct {
		BaseURL string `json:"base_url"`
	}
	if _, err := r.read(ctx, "credentials", &credentials); err != nil {
		return err
	}
	var old tokens
	base, err := r.read(ctx, "tokens", &old)
	if err != nil {
		return err
	}
	access, err := r.secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: aws.String(r.prefix + "access")})
	if err != nil {
		return err
	}
	attempt := uuid.NewString()
	if err := r.note(ctx, "attempt_id", attempt); err != nil {
		return err
	}
	fresh, err := present(ctx, credentials.BaseURL, old.RefreshToken)
	if err != nil {
		return err
	}
	fresh.AttemptID = attempt
	public := fresh
	public.RefreshToken = ""
	if err := errors.Join(
		r.put(ctx, "tokens", fresh), r.put(ctx, "access", public), r.note(ctx, "escrow", encode(fresh)),
		r.promote(ctx, "tokens", base, attempt),
	); err != nil {
		return err
	}
	for id, labels := range access.VersionIdsToStages {
		if slices.Contains(labels, "AWSCURRENT") {
			err = r.promote(ctx, "access", id, attempt)
		}
	}
	return errors.Join(err, r.note(ctx, "version_id", attempt))
}

// present presents the refresh token to Hesabe.
func present(ctx context.Context, baseURL, refreshToken string) (tokens, error) {
	body := bytes.NewReader([]byte(encode(map[string]string{"refreshToken": refreshToken})))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, baseURL+"/api/v1/token-refresh", body)
	if err != nil {
		return tokens{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	issued := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return tokens{}, err
	}
	defer resp.Body.Close()
	var envelope struct {
		Response struct {
			Token struct {
				tokens
				ExpiresIn int `json:"expires_in"`
			} `json:"token"`
		} `json:"response"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&envelope); err != nil || resp.StatusCode != http.StatusOK {
		return tokens{}, fmt.Errorf("hesabe: HTTP %d, %w", resp.StatusCode, err)
	}
	fresh := envelope.Response.Token.tokens
	fresh.IssuedAt, fresh.AccessExpiresAt = issued, issued.Add(time.Duration(envelope.Response.Token.ExpiresIn)*time.Second)
	return fresh, nil
}

func (r refresher) read(ctx context.Context, document string, into any) (version string, err error) {
	out, err := r.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(r.prefix + document)})
	if err != nil {
		return "", err
	}
	return *out.VersionId, json.Unmarshal([]byte(*out.SecretString), into)
}

func (r refresher) put(ctx context.Context, document string, value tokens) error {
	_, err := r.secrets.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: aws.String(r.prefix + document), SecretString: aws.String(encode(value)),
		ClientRequestToken: &value.AttemptID, VersionStages: []string{"AWSPENDING"},
	})
	return err
}

func (r refresher) promote(ctx context.Context, document, from, to string) error {
	_, err := r.secrets.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: aws.String(r.prefix + document), VersionStage: aws.String("AWSCURRENT"),
		RemoveFromVersionId: &from, MoveToVersionId: &to,
	})
	return err
}

// note writes an attribute of the account's row.
func (r refresher) note(ctx context.Context, attribute, value string) error {
	_, err := r.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: map[string]types.AttributeValue{"provider": text("hesabe"), "account": text("default")},
		UpdateExpression:          aws.String("SET " + attribute + " = :value"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":value": text(value)},
	})
	return err
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func encode(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // strings and times
	}
	return string(text)
}
