// Package emulate makes the template's state in an emulated AWS: its tables, secrets and
// queues, with the properties that the template gives them.
package emulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secrettypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"tokenrefresh/internal/template"
)

// State makes the tables, secrets and named queues of a stack. Those that are there stay as
// they are.
func State(ctx context.Context, cfg aws.Config, stack *template.Stack) error {
	tables := dynamodb.NewFromConfig(cfg)
	made, err := Tables(ctx, tables, stack)
	if err != nil {
		return err
	}
	if err := Settings(ctx, tables, stack, made); err != nil {
		return err
	}
	if err := Secrets(ctx, secretsmanager.NewFromConfig(cfg), stack); err != nil {
		return err
	}
	return queues(ctx, sqs.NewFromConfig(cfg), stack)
}

// Tables makes the tables of a stack that are missing, and returns their logical ids.
func Tables(ctx context.Context, client *dynamodb.Client, stack *template.Stack) (made []string, err error) {
	for _, id := range stack.Of("AWS::DynamoDB::Table") {
		table, err := Input[dynamodb.CreateTableInput](stack.Resources[id].Properties)
		if err != nil {
			return made, err
		}
		_, err = client.CreateTable(ctx, table)
		if _, exists := errors.AsType[*dynamotypes.ResourceInUseException](err); exists {
			continue
		}
		if err != nil {
			return made, fmt.Errorf("make the table %s: %w", *table.TableName, err)
		}
		made = append(made, id)
	}
	return made, nil
}

// Settings sets what a new table does not take when it is made: the end of items and backups.
func Settings(ctx context.Context, client *dynamodb.Client, stack *template.Stack, tables []string) error {
	for _, id := range tables {
		properties := stack.Resources[id].Properties
		ttl, err := Input[dynamodb.UpdateTimeToLiveInput](properties)
		if err == nil && ttl.TimeToLiveSpecification != nil {
			_, err = client.UpdateTimeToLive(ctx, ttl)
		}
		if err != nil {
			return fmt.Errorf("set the end of items in %s: %w", id, err)
		}
		backups, err := Input[dynamodb.UpdateContinuousBackupsInput](properties)
		if err == nil {
			_, err = client.UpdateContinuousBackups(ctx, backups)
		}
		if err != nil {
			return fmt.Errorf("set the backups of %s: %w", id, err)
		}
	}
	return nil
}

// Secrets makes the secrets of a stack that are missing.
func Secrets(ctx context.Context, client *secretsmanager.Client, stack *template.Stack) error {
	for _, id := range stack.Of("AWS::SecretsManager::Secret") {
		secret, err := Input[secretsmanager.CreateSecretInput](stack.Resources[id].Properties)
		if err != nil {
			return err
		}
		_, err = client.CreateSecret(ctx, secret)
		if _, exists := errors.AsType[*secrettypes.ResourceExistsException](err); err != nil && !exists {
			return fmt.Errorf("make the secret %s: %w", *secret.Name, err)
		}
	}
	return nil
}

// queues makes the queues that have a name, which are those that a function sends to.
func queues(ctx context.Context, client *sqs.Client, stack *template.Stack) error {
	for _, id := range stack.Of("AWS::SQS::Queue") {
		name := template.Get[string](stack.Resources[id].Properties, "QueueName")
		if name == "" {
			continue
		}
		if _, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name}); err != nil {
			return fmt.Errorf("make the queue %s: %w", name, err)
		}
	}
	return nil
}

// Input reads a resource's properties into the input of the call that makes it: the names
// in CloudFormation are those of the API. Parameters are texts, so those of the properties
// that are numbers have to be named.
func Input[T any](properties template.Object, numbers ...string) (*T, error) {
	for _, name := range numbers {
		if text, isText := properties[name].(string); isText {
			n, err := strconv.Atoi(text)
			if err != nil {
				return nil, fmt.Errorf("property %s: %w", name, err)
			}
			properties[name] = n
		}
	}
	text, err := json.Marshal(properties)
	if err != nil {
		return nil, err
	}
	input := new(T)
	if err := json.Unmarshal(text, input); err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	return input, nil
}
