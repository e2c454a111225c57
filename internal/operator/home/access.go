package home

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// SignatureLife is how far off the time of a signed request may be.
const SignatureLife = 5 * time.Minute

// AccessError is why AWS cannot be used from here, and how to mend that.
type AccessError struct {
	Cause, Mend string
	Commands    []string // lines for a shell
	// Passing: it may end by itself.
	Passing bool
	// Beside: it adds to the error of a call, and does not replace it.
	Beside bool
	err    error
}

// Error implements error.
func (t *AccessError) Error() string {
	text := t.Cause + "\n  " + t.Mend
	if len(t.Commands) > 0 {
		text += ": " + strings.Join(t.Commands, " or ")
	}
	return text
}

// Unwrap returns what the call has failed with.
func (t *AccessError) Unwrap() error { return t.err }

// keysError is in the errors of calls that had no keys to be signed with. It is the error of the
// provider of keys.
type keysError struct{ error }

// Unwrap returns the provider's own error.
func (e *keysError) Unwrap() error { return e.error }

// MarkKeys marks the errors of the provider of keys, so that TroubleOf recognises them.
func MarkKeys(cfg *aws.Config) {
	keys := cfg.Credentials
	cfg.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		found, err := keys.Retrieve(ctx)
		if err != nil {
			err = &keysError{err}
		}
		return found, err
	})
}

// wrongKeys are AWS's codes for keys that it refuses.
var wrongKeys = []string{
	"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException", "ExpiredToken",
	"ExpiredTokenException", "RequestExpired", "InvalidAccessKeyId", "AuthFailure", "IncompleteSignature",
	"MissingAuthenticationToken", "MissingAuthenticationTokenException", "NotAuthorized", "OptInRequired",
}

// TroubleOf explains the error of a call to AWS if the caller's side is the reason: keys, clock,
// network. nil for any other, and for nil.
func TroubleOf(err error, region, profile string) *AccessError {
	keys, answer, noTable := (*keysError)(nil), smithy.APIError(nil), (*types.ResourceNotFoundException)(nil)
	answered := errors.As(err, &answer)
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return nil
	case errors.As(err, &keys):
		return &AccessError{
			Cause: "there are no AWS credentials that work: " + keys.Error(), Mend: renew, Commands: login(profile), err: err,
		}
	case answered && slices.Contains(wrongKeys, answer.ErrorCode()):
		if at, ok := answeredAt(err); ok && time.Until(at).Abs() >= SignatureLife {
			off := time.Until(at).Abs().Round(time.Second)
			return &AccessError{
				Cause: fmt.Sprintf("AWS refuses this machine's requests, because its clock is %s off", off),
				Mend:  "switch time synchronisation on", Commands: []string{"sudo timedatectl set-ntp true"}, err: err,
			}
		}
		cause := "AWS refuses your keys: " + answer.ErrorCode()
		return &AccessError{Cause: cause, Mend: renew, Commands: login(profile), err: err}
	case errors.As(err, &noTable):
		with := "region " + region
		if profile != "" {
			with += ", profile " + profile
		}
		return &AccessError{
			Cause: "the table was looked for in " + with,
			Mend: "name another with --region, --profile or --table-prefix; never create a new table in place of a lost one: it would " +
				"know nothing of the tokens that were presented",
			Beside: true, err: err,
		}
	case answered:
		return nil
	}
	return &AccessError{
		Cause: fmt.Sprintf("AWS cannot be reached in region %s: %v", region, rootOf(err)),
		Mend: "check the region's name (--region, AWS_REGION), DNS, proxy (HTTPS_PROXY), firewall and " +
			"AWS_ENDPOINT_URL",
		Passing: true, err: err,
	}
}

const renew = "set AWS_PROFILE or --profile to one that works, or renew it"

// login is how a person gets new credentials.
func login(profile string) []string {
	flag := ""
	if profile != "" {
		flag = " --profile " + profile
	}
	return []string{"aws configure list" + flag, "aws sso login" + flag}
}

// answeredAt is AWS's time, from its error answer.
func answeredAt(err error) (time.Time, bool) {
	response, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || response.Response == nil {
		return time.Time{}, false
	}
	at, err := http.ParseTime(response.Response.Header.Get("Date"))
	return at, err == nil
}

// rootOf is the innermost of an error's causes: the SDK wraps them into a long text.
func rootOf(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		if many, ok := next.(interface{ Unwrap() []error }); ok && len(many.Unwrap()) > 0 {
			next = many.Unwrap()[0]
		}
		err = next
	}
}
