package moto

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// Call speaks to a service that the module has no SDK for. The emulated AWS takes the
// service's name from the signature, and checks nothing else of it.
func (s *Server) Call(t testing.TB, method, path, service, body string) []byte {
	t.Helper()
	region := s.Direct.Region
	if service == "s3" {
		region = "us-east-1" // elsewhere a bucket names its region
	}
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	assert.NilError(t, err)
	switch service {
	case "lambda":
		request.Header.Set("Content-Type", "application/json")
	case "s3": // a form's type would leave the object empty
		request.Header.Set("Content-Type", "application/octet-stream")
	default:
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=testing/20260101/"+region+"/"+service+"/aws4_request")
	response, err := http.DefaultClient.Do(request)
	assert.NilError(t, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	assert.NilError(t, err)
	if response.StatusCode/100 != 2 {
		t.Fatalf("%s: %s\n%s", service, response.Status, answer)
	}
	return answer
}
