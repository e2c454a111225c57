package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

func (r refresher) read(ctx context.Context, document string, into any) (version string, err error) {
	out, err := r.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(r.prefix + document)})
	if err != nil {
		return "", fmt.Errorf("read %s: %w", document, err)
	}
	return aws.ToString(out.VersionId), json.Unmarshal([]byte(aws.ToString(out.SecretString)), into)
}

func (r refresher) currentID(ctx context.Context, document string) (string, error) {
	out, err := r.secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: aws.String(r.prefix + document)})
	if err != nil {
		return "", fmt.Errorf("describe %s: %w", document, err)
	}
	for id, labels := range out.VersionIdsToStages {
		for _, label := range labels {
			if label == "AWSCURRENT" {
				return id, nil
			}
		}
	}
	return "", nil
}

func (r refresher) put(ctx context.Context, document, id string, value any) (string, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	_, err = r.secrets.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: aws.String(r.prefix + document), SecretString: aws.String(string(text)),
		ClientRequestToken: aws.String(id), VersionStages: []string{"AWSPENDING"},
	})
	return string(text), err
}

func (r refresher) promote(ctx context.Context, document, from, to string) error {
	if from == "" || from == to {
		return nil
	}
	_, err := r.secrets.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: aws.String(r.prefix + document), VersionStage: aws.String("AWSCURRENT"),
		RemoveFromVersionId: aws.String(from), MoveToVersionId: aws.String(to),
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
		TableName: aws.String(r.table), ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("provider = :provider"),
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
		TableName:                 aws.String(r.table),
		Key:                       values{"provider": str("hesabe"), "account": str("default")},
		UpdateExpression:          aws.String(expression),
		ConditionExpression:       aws.String("attribute_not_exists(fence) OR fence = :fence"),
		ExpressionAttributeValues: v,
	})
	return err
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
