// Command naive refreshes a Hesabe token the way most programs would: the SDK's default
// configuration, http.DefaultClient, and one call after the other. It makes the same calls as
// functions/refresh-hesabe, which is measured against it.
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
	"strconv"
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
	Source          string    `json:"source"`
	AttemptID       string    `json:"attempt_id"`
}

// refresh claims, sends, keeps, promotes and settles.
func (r refresher) refresh(ctx context.Context) error {
	fence, err := r.fence(ctx)
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
	published, err := r.current(ctx, "access")
	if err != nil {
		return err
	}
	attempt := uuid.NewString()
	if err := r.update(ctx, "SET phase = :phase, attempt_id = :attempt, fence = :next, base_version_id = :base", values{
		":phase": str("sending"), ":attempt": str(attempt), ":next": num(fence + 1), ":base": str(base), ":fence": num(fence),
	}); err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	fresh, err := present(ctx, credentials.BaseURL, old.RefreshToken)
	if err != nil {
		return err
	}
	fresh.AttemptID, fresh.Source = attempt, "refresh"
	access := fresh
	access.RefreshToken = ""
	if err := errors.Join(r.put(ctx, "tokens", fresh), r.put(ctx, "access", access)); err != nil {
		return err
	}
	if err := r.update(ctx, "SET escrow = :escrow", values{":escrow": str(encode(fresh)), ":fence": num(fence + 1)}); err != nil {
		return fmt.Errorf("escrow: %w", err)
	}
	if err := errors.Join(r.promote(ctx, "tokens", base, attempt), r.promote(ctx, "access", published, attempt)); err != nil {
		return err
	}
	return r.update(ctx, "SET phase = :phase, version_id = :version REMOVE escrow", values{
		":phase": str("idle"), ":version": str(attempt), ":fence": num(fence + 1),
	})
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
		return "", fmt.Errorf("read %s: %w", document, err)
	}
	return *out.VersionId, json.Unmarshal([]byte(*out.SecretString), into)
}

func (r refresher) current(ctx context.Context, document string) (string, error) {
	out, err := r.secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: aws.String(r.prefix + document)})
	if err != nil {
		return "", fmt.Errorf("describe %s: %w", document, err)
	}
	for id, labels := range out.VersionIdsToStages {
		if slices.Contains(labels, "AWSCURRENT") {
			return id, nil
		}
	}
	return "", nil
}

func (r refresher) put(ctx context.Context, document string, value tokens) error {
	_, err := r.secrets.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: aws.String(r.prefix + document), SecretString: aws.String(encode(value)),
		ClientRequestToken: &value.AttemptID, VersionStages: []string{"AWSPENDING"},
	})
	return err
}

func (r refresher) promote(ctx context.Context, document, from, to string) error {
	if from == "" || from == to {
		return nil
	}
	_, err := r.secrets.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: aws.String(r.prefix + document), VersionStage: aws.String("AWSCURRENT"),
		RemoveFromVersionId: &from, MoveToVersionId: &to,
	})
	return err
}

type values map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// fence reads the rows of the provider.
func (r refresher) fence(ctx context.Context) (int64, error) {
	out, err := r.db.Query(ctx, &dynamodb.QueryInput{
		TableName: &r.table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("provider = :provider"),
		ExpressionAttributeValues: values{":provider": str("hesabe")},
	})
	if err != nil {
		return 0, fmt.Errorf("query: %w", err)
	}
	for _, item := range out.Items {
		if n, ok := item["fence"].(*types.AttributeValueMemberN); ok {
			return strconv.ParseInt(n.Value, 10, 64)
		}
	}
	return 0, nil
}

func (r refresher) update(ctx context.Context, expression string, v values) error {
	_, err := r.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: values{"provider": str("hesabe"), "account": str("default")}, UpdateExpression: &expression,
		ConditionExpression:       aws.String("attribute_not_exists(fence) OR fence = :fence"),
		ExpressionAttributeValues: v,
	})
	return err
}

func encode(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // strings and times
	}
	return string(text)
}
