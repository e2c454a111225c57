package moto

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Answers are what a front says in place of moto: it refuses what the caller may not do,
// invokes functions (moto wants Docker for that), and tells of states that moto's resources
// never come into. They are set while no call is under way.
type Answers struct {
	Refuse  map[string]string                   // operation, or that and whom it is about → error code
	Rewrite map[string]func(body string) string // operation → what becomes of its answer
	Invoke  func(path string) (answer string, fault bool)
	Ahead   time.Duration // of the Date header
}

// Reset lets all calls through again. Functions are still invoked as before.
func (a *Answers) Reset() {
	*a = Answers{Refuse: map[string]string{}, Rewrite: map[string]func(string) string{}, Invoke: a.Invoke}
}

// instead answers a request without moto, if it has to.
func (a *Answers) instead(w http.ResponseWriter, r *http.Request, operation string, body []byte) bool {
	code := a.Refuse[operation]
	if code == "" {
		code = a.Refuse[operation+" "+subjectOf(r, body)]
	}
	switch {
	case code != "":
		refuse(w, r, operation, code)
	case operation == "InvokeFunction" && a.Invoke != nil:
		text, fault := a.Invoke(r.URL.Path)
		if fault {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
		}
		_, _ = io.WriteString(w, text)
	default:
		return false
	}
	return true
}

// operationHeader carries a request's operation to change.
const operationHeader = "Test-Operation"

// change changes what moto has answered.
func (a *Answers) change(r *http.Response) error {
	if a.Ahead != 0 {
		r.Header.Set("Date", time.Now().Add(a.Ahead).UTC().Format(http.TimeFormat))
	}
	change := a.Rewrite[r.Request.Header.Get(operationHeader)]
	if change == nil {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	text := change(string(body))
	r.Body = io.NopCloser(strings.NewReader(text))
	r.ContentLength = int64(len(text))
	r.Header.Set("Content-Length", strconv.Itoa(len(text)))
	for name := range r.Header { // checksums of the body
		if strings.HasPrefix(name, "X-Amz-Crc32") || strings.HasPrefix(name, "X-Amzn-Crc32") {
			r.Header.Del(name)
		}
	}
	return nil
}

// operationOf is the operation of a request in any of AWS's protocols.
func operationOf(r *http.Request, body string) string {
	if _, operation, found := strings.Cut(r.Header.Get("X-Amz-Target"), "."); found {
		return operation
	}
	if form, err := url.ParseQuery(body); err == nil && form.Get("Action") != "" {
		return form.Get("Action")
	}
	path := strings.TrimSuffix(r.URL.Path, "/")
	for end, operation := range map[string]string{
		"/invocations": "InvokeFunction", "/configuration": "GetFunctionConfiguration", "/concurrency": "GetFunctionConcurrency",
		"/event-source-mappings": "ListEventSourceMappings",
	} {
		if r.Method != http.MethodPut && strings.HasSuffix(path, end) {
			return operation
		}
	}
	if r.Method == http.MethodGet && strings.HasPrefix(path, "/schedules/") {
		return "GetSchedule"
	}
	return ""
}

// subjectOf is the secret or function that a request is about; empty: neither.
func subjectOf(r *http.Request, body []byte) string {
	if _, rest, found := strings.Cut(r.URL.Path, "/functions/"); found {
		name, _, _ := strings.Cut(rest, "/")
		return name
	}
	var about struct{ SecretId string } //nolint:revive // AWS's name
	_ = json.Unmarshal(body, &about)    // other requests are about other things
	return about.SecretId
}

// refuse answers as AWS does, in the protocol of the request.
func refuse(w http.ResponseWriter, r *http.Request, operation, code string) {
	message := "User: arn:aws:iam::123456789012:user/op is not authorized to perform: " + operation +
		" because no identity-based policy allows the action"
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>",
			code, message)
		return
	}
	w.Header().Set("X-Amzn-ErrorType", code)
	w.WriteHeader(http.StatusForbidden)
	fmt.Fprintf(w, `{"__type":%q,"message":%q}`, code, message)
}
