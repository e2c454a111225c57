package awsfake

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"sync"
)

const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

// Secrets is Secrets Manager: an http.Handler.
type Secrets struct {
	mu      sync.Mutex
	secrets map[string]*secret
}

type secret struct {
	name     string
	versions map[string]string // value by version id
	labels   map[string]string // version id by staging label
}

// NewSecrets returns a store with secrets of these names and no values.
func NewSecrets(names ...string) *Secrets {
	s := &Secrets{secrets: map[string]*secret{}}
	for _, name := range names {
		s.secrets[name] = &secret{name: name, versions: map[string]string{}, labels: map[string]string{}}
	}
	return s
}

// Set gives a secret a new current version, as a person would.
func (s *Secrets) Set(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec := s.secrets[name]
	sec.put("set-"+strconv.Itoa(len(sec.versions)), value, []string{current})
}

// Value is the current value of a secret; empty where there is none.
func (s *Secrets) Value(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec := s.secrets[name]
	return sec.versions[sec.labels[current]]
}

// ServeHTTP implements http.Handler.
func (s *Secrets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	serve(w, r, "application/x-amz-json-1.1", map[string]operation{
		"GetSecretValue":           s.op(get),
		"DescribeSecret":           s.op(describe),
		"PutSecretValue":           s.op(put),
		"UpdateSecretVersionStage": s.op(move),
	})
}

type secretsInput struct {
	SecretID            string `json:"SecretId"`
	VersionID           string `json:"VersionId"`
	VersionStage        string
	ClientRequestToken  string
	SecretString        string
	VersionStages       []string
	MoveToVersionID     string `json:"MoveToVersionId"`
	RemoveFromVersionID string `json:"RemoveFromVersionId"`
}

// op finds the secret and runs do under the lock.
func (s *Secrets) op(do func(*secret, secretsInput) (map[string]any, error)) operation {
	return func(body []byte) (any, error) {
		var in secretsInput
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		sec, ok := s.secrets[in.SecretID]
		if !ok {
			return nil, &fault{"ResourceNotFoundException", "Secrets Manager can't find the specified secret."}
		}
		out, err := do(sec, in)
		if err != nil {
			return nil, err
		}
		out["Name"] = sec.name
		out["ARN"] = "arn:aws:secretsmanager:us-east-1:123456789012:secret:" + sec.name + "-AbCdEf"
		return out, nil
	}
}

func get(s *secret, in secretsInput) (map[string]any, error) {
	id := in.VersionID
	if id == "" {
		label := in.VersionStage
		if label == "" {
			label = current
		}
		id = s.labels[label]
	}
	value, ok := s.versions[id]
	if !ok {
		return nil, &fault{"ResourceNotFoundException", "Secrets Manager can't find the specified secret value."}
	}
	return map[string]any{"VersionId": id, "SecretString": value, "VersionStages": s.stages(id), "CreatedDate": 1.7e9}, nil
}

func describe(s *secret, _ secretsInput) (map[string]any, error) {
	stages := map[string][]string{}
	for id := range s.versions {
		stages[id] = s.stages(id)
	}
	return map[string]any{"VersionIdsToStages": stages}, nil
}

func put(s *secret, in secretsInput) (map[string]any, error) {
	if value, ok := s.versions[in.ClientRequestToken]; ok && value != in.SecretString {
		return nil, &fault{"ResourceExistsException", "the version id is taken by another value"}
	}
	labels := in.VersionStages
	if len(labels) == 0 || len(s.versions) == 0 { // the very first version is current, whatever was asked
		labels = append(labels, current)
	}
	s.put(in.ClientRequestToken, in.SecretString, labels)
	return map[string]any{"VersionId": in.ClientRequestToken, "VersionStages": s.stages(in.ClientRequestToken)}, nil
}

func move(s *secret, in secretsInput) (map[string]any, error) {
	if s.labels[in.VersionStage] != in.RemoveFromVersionID {
		return nil, &fault{"InvalidParameterException", "the staging label is attached to another version"}
	}
	if _, ok := s.versions[in.MoveToVersionID]; !ok {
		return nil, &fault{"ResourceNotFoundException", "there is no such version"}
	}
	s.label(in.VersionStage, in.MoveToVersionID)
	return map[string]any{}, nil
}

func (s *secret) put(id, value string, labels []string) {
	s.versions[id] = value
	for _, label := range labels {
		s.label(label, id)
	}
}

// label moves a staging label. A version without any is gone, which bounds the
// memory of a long run; AWS keeps it for a while.
func (s *secret) label(label, id string) {
	if was := s.labels[label]; label == current && was != "" && was != id {
		s.label(previous, was)
	}
	s.labels[label] = id
	for version := range s.versions {
		if len(s.stages(version)) == 0 {
			delete(s.versions, version)
		}
	}
}

func (s *secret) stages(id string) []string {
	var labels []string
	for label, of := range s.labels {
		if of == id {
			labels = append(labels, label)
		}
	}
	slices.Sort(labels)
	return labels
}
