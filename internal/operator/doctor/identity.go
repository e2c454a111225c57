package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// awsCheck comes before every other check of a stack.
const awsCheck = "aws"

// wrongKeys are the codes for keys that AWS does not take.
var wrongKeys = []string{
	"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException",
	"InvalidAccessKeyId", "AuthFailure",
}

// identity looks whether AWS answers, and to whom.
func (s *stack) identity(ctx context.Context) []Finding {
	who, err := s.who.get(func() (*sts.GetCallerIdentityOutput, error) {
		return s.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	})
	if err == nil {
		return []Finding{ok("account %s, region %s, as %s", aws.ToString(who.Account), s.Config.Region, aws.ToString(who.Arn))}
	}
	if at, answered := answeredAt(err); answered {
		if skew := time.Until(at); skew.Abs() >= signatureLife {
			return []Finding{skewed(skew, "AWS")}
		}
	}
	login := "set AWS_PROFILE or --profile to one that works, or renew it"
	switch {
	case slices.Contains(wrongKeys, code(err)):
		return []Finding{fail("AWS does not take your keys: %s", code(err)).mend(login, s.login()...)}
	case code(err) != "":
		return []Finding{s.trouble(err, "sts:GetCallerIdentity", "*")}
	}
	if _, err := s.Config.Credentials.Retrieve(ctx); err != nil {
		return []Finding{fail("there are no AWS credentials: %v", err).mend(login, s.login()...)}
	}
	return []Finding{fail("AWS cannot be reached in region %s: %v", s.Config.Region, err).mend(
		"see whether the region's name is right (--region, AWS_REGION), and DNS, proxy (HTTPS_PROXY), firewall and AWS_ENDPOINT_URL")}
}

// login is how a person gets new credentials.
func (s *stack) login() []string {
	if s.Profile == "" {
		return []string{"aws configure list", "aws sso login"}
	}
	return []string{"aws configure list --profile " + s.Profile, "aws sso login --profile " + s.Profile}
}

// answeredAt is AWS's time in an error that it has answered with.
func answeredAt(err error) (time.Time, bool) {
	response, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || response.Response == nil {
		return time.Time{}, false
	}
	at, err := http.ParseTime(response.Response.Header.Get("Date"))
	return at, err == nil
}

// clock holds this machine's clock against AWS's.
func (s *stack) clock(context.Context) []Finding {
	theirs, told := middleware.GetServerTime(s.who.value.ResultMetadata)
	ours, _ := middleware.GetResponseAt(s.who.value.ResultMetadata)
	if !told || theirs.IsZero() {
		return []Finding{skipped("AWS has not told the time")}
	}
	return []Finding{judgeClock(theirs.Sub(ours), "AWS")}
}

const (
	// signatureLife is how far a signed request's time may be off.
	signatureLife = 5 * time.Minute
	// tolerable is a skew that nobody notices.
	tolerable = 2 * time.Second
	// granularity is that of a Date header, which is cut off to the second.
	granularity = time.Second
)

// judgeClock judges how far whose clock is ahead of this machine's, as a Date header
// tells it.
func judgeClock(ahead time.Duration, whose string) Finding {
	switch off := (ahead + granularity/2).Abs(); {
	case off >= signatureLife:
		return skewed(ahead, whose)
	case off >= tolerable+granularity/2:
		f := skewed(ahead, whose)
		f.Verdict = Warn
		return f
	}
	return ok("this machine's is within %s of that of %s", tolerable, whose)
}

func skewed(ahead time.Duration, whose string) Finding {
	direction := "behind"
	if ahead < 0 {
		direction = "ahead of"
	}
	return fail("this machine's clock is %s %s that of %s; AWS refuses what is signed %s too late or early",
		ahead.Abs().Round(time.Second), direction, whose, fmt.Sprint(int(signatureLife.Minutes()), " minutes")).
		mend("switch time synchronisation on", "sudo timedatectl set-ntp true", "timedatectl status")
}
