package fakeaws

import "slices"

const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

type secret struct {
	name     string
	versions map[string]string // value by version id
	labels   map[string]string // version id by staging label
}

func newSecret(name, value string) *secret {
	s := &secret{name: name, versions: map[string]string{}, labels: map[string]string{}}
	if value != "" {
		s.put("created", value, []string{current})
	}
	return s
}

type secretInput struct {
	Name                string
	SecretID            string `json:"SecretId"`
	VersionID           string `json:"VersionId"`
	VersionStage        string
	ClientRequestToken  string
	SecretString        string
	VersionStages       []string
	MoveToVersionID     string `json:"MoveToVersionId"`
	RemoveFromVersionID string `json:"RemoveFromVersionId"`
}

var secretOperations = map[string]func(*secret, secretInput) (any, error){
	"GetSecretValue":           (*secret).get,
	"DescribeSecret":           (*secret).describe,
	"PutSecretValue":           (*secret).stage,
	"UpdateSecretVersionStage": (*secret).move,
}

// answer is about a secret, with further fields.
func (s *secret) answer(out map[string]any) (any, error) {
	out["Name"] = s.name
	out["ARN"] = "arn:aws:secretsmanager:us-east-1:123456789012:secret:" + s.name + "-AbCdEf"
	return out, nil
}

func (s *secret) get(in secretInput) (any, error) {
	id := in.VersionID
	if id == "" {
		id = s.labels[current]
		if in.VersionStage != "" {
			id = s.labels[in.VersionStage]
		}
	}
	value, ok := s.versions[id]
	if !ok {
		return nil, &fault{"ResourceNotFoundException", "Secrets Manager can't find the specified secret value."}
	}
	return s.answer(map[string]any{"VersionId": id, "SecretString": value, "VersionStages": s.stages(id), "CreatedDate": 1.7e9})
}

func (s *secret) describe(secretInput) (any, error) {
	stages := map[string][]string{}
	for id := range s.versions {
		stages[id] = s.stages(id)
	}
	return s.answer(map[string]any{"VersionIdsToStages": stages})
}

func (s *secret) stage(in secretInput) (any, error) {
	if value, ok := s.versions[in.ClientRequestToken]; ok && value != in.SecretString {
		return nil, &fault{"ResourceExistsException", "the version id is taken by another value"}
	}
	labels := in.VersionStages
	if len(labels) == 0 || len(s.versions) == 0 { // the very first version is current, whatever was asked
		labels = append(labels, current)
	}
	s.put(in.ClientRequestToken, in.SecretString, labels)
	return s.answer(map[string]any{"VersionId": in.ClientRequestToken, "VersionStages": s.stages(in.ClientRequestToken)})
}

func (s *secret) move(in secretInput) (any, error) {
	if s.labels[in.VersionStage] != in.RemoveFromVersionID {
		return nil, &fault{"InvalidParameterException", "the staging label is attached to another version"}
	}
	if _, ok := s.versions[in.MoveToVersionID]; !ok {
		return nil, &fault{"ResourceNotFoundException", "there is no such version"}
	}
	s.label(in.VersionStage, in.MoveToVersionID)
	return s.answer(map[string]any{})
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
	was := s.labels[label]
	s.labels[label] = id
	if label == current && was != "" && was != id {
		s.label(previous, was)
	}
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

// PutSecret gives a secret a new version, which is current, and makes the secret if there is none.
func (a *AWS) PutSecret(name, id, value string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.secrets[name] == nil {
		a.secrets[name] = newSecret(name, "")
	}
	a.secrets[name].put(id, value, []string{current})
}

// CurrentVersion returns the current version of a secret that exists, and its id.
func (a *AWS) CurrentVersion(name string) (id, value string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.secrets[name]
	id = s.labels[current]
	return id, s.versions[id]
}
