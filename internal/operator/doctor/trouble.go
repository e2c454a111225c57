package doctor

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
)

var (
	// denied are the codes with which AWS's services refuse a caller.
	denied = []string{
		"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "KMSAccessDeniedException",
		"DecryptionFailure",
	}
	// absent are the codes of a resource that does not exist.
	absent = []string{
		"ResourceNotFoundException", "NotFoundException", "NotFound", "ResourceNotFound", "DashboardNotFoundError",
		"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
	}
)

// isAbsent reports whether AWS answered that a resource does not exist.
func isAbsent(err error) bool {
	answer, answered := errors.AsType[smithy.APIError](err)
	return answered && slices.Contains(absent, answer.ErrorCode())
}

// trouble is the finding of a call that failed, so that the resource's state is not known. action is
// the name of the call in policies. gone is the finding if the resource does not exist.
func (s *stack) trouble(err error, action, resource string, gone ...Finding) []Finding {
	if len(gone) > 0 && isAbsent(err) {
		return gone
	}
	return []Finding{s.unknown(err, action, resource)}
}

func (s *stack) unknown(err error, action, resource string) Finding {
	answer, answered := errors.AsType[smithy.APIError](err)
	switch {
	case answered && slices.Contains(denied, answer.ErrorCode()):
		f := skipped("you may not look: AWS refuses %s", action)
		if _, why, found := strings.Cut(answer.ErrorMessage(), " because "); found {
			f.Cause += ", because " + why
		}
		return f.mend("allow " + action + " on " + resource + " to " + s.caller())
	case answered && strings.Contains(answer.ErrorCode(), "Throttl"):
		return skipped("AWS throttles %s", action).mend("try again in a minute")
	case answered:
		return fail("%s of %s: %s: %s", action, resource, answer.ErrorCode(), answer.ErrorMessage()).
			mend("check whether AWS has trouble in this region, then try again")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return skipped("no answer to %s in time", action).mend("try again; check whether this machine reaches AWS's endpoint")
	}
	return fail("%s of %s: %v", action, resource, err).mend("check whether this machine reaches AWS's endpoint, then try again")
}

// caller is the caller's identity, from the first check.
func (s *stack) caller() string {
	if s.who != nil && s.who.Arn != nil {
		return *s.who.Arn
	}
	return "yourself"
}

// arn is the name of a resource in policies.
func (s *stack) arn(service, resource string) string {
	partition, account := "aws", "*"
	if s.who != nil {
		if parts := strings.Split(*s.who.Arn, ":"); len(parts) > 1 {
			partition = parts[1]
		}
		account = *s.who.Account
	}
	return strings.Join([]string{"arn", partition, service, s.Config.Region, account, resource}, ":")
}
