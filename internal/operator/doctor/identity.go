package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"tokenrefresh/internal/operator/home"
)

// awsCheck comes before every other check of a stack.
const awsCheck = "aws"

// identity checks that AWS answers, and shows the caller's identity.
func (s *stack) identity(ctx context.Context) []Finding {
	who, err := s.who.get(func() (*sts.GetCallerIdentityOutput, error) {
		return s.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	})
	if err == nil {
		return []Finding{ok("account %s, region %s, as %s", aws.ToString(who.Account), s.Config.Region, aws.ToString(who.Arn))}
	}
	if t := home.TroubleOf(err, s.Config.Region, s.Profile); t != nil {
		return []Finding{fail("%s", t.Cause).mend(t.Mend, t.Commands...)}
	}
	return []Finding{s.trouble(err, "sts:GetCallerIdentity", "*")}
}

// clock compares this machine's clock with AWS's.
func (s *stack) clock(context.Context) []Finding {
	theirs, told := middleware.GetServerTime(s.who.value.ResultMetadata)
	ours, _ := middleware.GetResponseAt(s.who.value.ResultMetadata)
	if !told || theirs.IsZero() {
		return []Finding{skipped("AWS has not told the time")}
	}
	return []Finding{judgeClock(theirs.Sub(ours), "AWS")}
}

const (
	// tolerable is a skew without consequences.
	tolerable = 2 * time.Second
	// granularity is that of a Date header, which is cut off to the second.
	granularity = time.Second
)

// judgeClock judges how far another clock is ahead of this machine's, by a Date header.
func judgeClock(ahead time.Duration, whose string) Finding {
	switch off := (ahead + granularity/2).Abs(); {
	case off >= home.SignatureLife:
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
	return fail("this machine's clock is %s %s that of %s; AWS refuses requests that are signed %s too late or early",
		ahead.Abs().Round(time.Second), direction, whose, fmt.Sprint(int(home.SignatureLife.Minutes()), " minutes")).
		mend("switch time synchronisation on", "sudo timedatectl set-ntp true", "timedatectl status")
}
