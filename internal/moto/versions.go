package moto

import (
	"encoding/json"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// known answers a PutSecretValue whose version exists, as AWS documents it: the same
// value changes nothing, another is an error. moto would overwrite a version that is
// AWSPENDING and drop its other labels.
func (s *Server) known(w http.ResponseWriter, r *http.Request, body []byte) bool {
	var put struct {
		Secret  string `json:"SecretId"`
		Version string `json:"ClientRequestToken"`
		Value   string `json:"SecretString"`
	}
	if json.Unmarshal(body, &put) != nil || put.Version == "" {
		return false
	}
	stored, err := s.SecretsManager.GetSecretValue(r.Context(), &secretsmanager.GetSecretValueInput{
		SecretId: &put.Secret, VersionId: &put.Version,
	})
	if err != nil {
		return false // moto finds the right words
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	var answer any
	if stored.SecretString != nil && *stored.SecretString == put.Value {
		answer = map[string]any{
			"ARN": stored.ARN, "Name": stored.Name, "VersionId": stored.VersionId, "VersionStages": stored.VersionStages,
		}
	} else {
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]any{"__type": "ResourceExistsException"}
	}
	_ = json.NewEncoder(w).Encode(answer)
	return true
}
