// Package fakeaws is Secrets Manager and DynamoDB in memory, just enough of them to time a
// program that refreshes tokens. It has the tables and secrets of a template, and it counts
// what DynamoDB would charge.
//
// It does not test correctness: signatures, permissions, filters and conditions are not
// checked. An expression that it does not understand is an error. The contract tests of the
// homes judge those.
package fakeaws

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/time/rate"

	"tokenrefresh/internal/template"
)

// AWS is both services; each is served under the operations' own names.
type AWS struct {
	mu      sync.Mutex
	secrets map[string]*secret
	tables  map[string]*table
	units   Units

	writes *rate.Limiter // of secrets; nil: no limit
}

// New makes the tables and secrets of a stack.
func New(stack *template.Stack) (*AWS, error) {
	a := &AWS{secrets: map[string]*secret{}, tables: map[string]*table{}}
	for kind, name := range map[string]string{
		"AWS::DynamoDB::Table": "CreateTable", "AWS::SecretsManager::Secret": "CreateSecret",
	} {
		for _, id := range stack.Of(kind) {
			properties, err := json.Marshal(stack.Resources[id].Properties)
			if err == nil {
				_, _, err = a.do(name, properties) // CloudFormation's names are the API's
			}
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", name, id, err)
			}
		}
	}
	return a, nil
}

// secretWrites are the operations that LimitWrites counts.
var secretWrites = map[string]bool{"PutSecretValue": true, "UpdateSecretVersionStage": true}

// LimitWrites lets Secrets Manager throttle more writes than so many a second. AWS names 50 for an
// account and region together.
func (a *AWS) LimitWrites(perSecond int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.writes = rate.NewLimiter(rate.Limit(perSecond), perSecond)
}

// tableHeader carries a call's table to the server that counts it.
const tableHeader = "Fakeaws-Table"

// fault is an error of the service, by the name the SDK knows.
type fault struct{ code, message string }

func (f *fault) Error() string { return f.code + ": " + f.message }

func badRequest(format string, args ...any) error {
	return &fault{code: "ValidationException", message: fmt.Sprintf(format, args...)}
}

// input is what a request of either service may say.
type input struct {
	secretInput
	tableInput
}

// do runs one operation. table is the table that it is about.
func (a *AWS) do(name string, body []byte) (table string, out any, err error) {
	var in input
	if err := json.Unmarshal(body, &in); err != nil {
		return "", nil, err
	}
	for table := range in.RequestItems {
		in.TableName = table
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case name == "CreateTable":
		a.tables[in.TableName] = newTable(in.tableInput, &a.units)
	case name == "CreateSecret":
		a.secrets[in.Name] = newSecret(in.Name, in.SecretString)
	case secretOperations[name] != nil:
		if secretWrites[name] && a.writes != nil && !a.writes.Allow() {
			return "", nil, &fault{"ThrottlingException", "Rate exceeded"}
		}
		s, ok := a.secrets[in.SecretID]
		if !ok {
			return "", nil, &fault{"ResourceNotFoundException", "Secrets Manager can't find the specified secret."}
		}
		out, err = secretOperations[name](s, in.secretInput)
		return "", out, err
	case tableOperations[name] != nil:
		t, ok := a.tables[in.TableName]
		if !ok {
			return in.TableName, nil, &fault{"ResourceNotFoundException", "Requested resource not found"}
		}
		out, err = tableOperations[name](t, in.tableInput)
		return in.TableName, out, err
	default:
		return "", nil, &fault{"UnknownOperationException", name}
	}
	return "", nil, nil
}

// ServeHTTP implements http.Handler: one request in AWS's JSON protocol.
func (a *AWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the connection is gone
	}
	status := http.StatusOK
	table, out, err := a.do(operation(r), body)
	if err != nil {
		status = http.StatusBadRequest
		code := "SerializationException"
		if f, ok := err.(*fault); ok { //nolint:errorlint // operations return it bare
			code = f.code
		}
		out = map[string]string{"__type": code, "message": err.Error()}
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic(err) // the bodies are made of maps and strings here
	}
	h := w.Header()
	h.Set("Content-Type", r.Header.Get("Content-Type"))
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(text)), 10)) // the SDK verifies DynamoDB's
	h.Set("X-Amzn-Requestid", "00000000-0000-4000-8000-000000000000")
	h.Set(tableHeader, table[strings.LastIndexByte(table, '-')+1:])
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
