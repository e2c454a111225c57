package doctor

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
)

// denied are the codes with which AWS's services refuse a caller.
var denied = []string{
	"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "KMSAccessDeniedException",
	"DecryptionFailure",
}

// code is AWS's code of an error; empty where AWS did not answer.
func code(err error) string {
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return answer.ErrorCode()
	}
	return ""
}

// trouble is the finding of a call that failed for a reason of its own, so that the resource's
// state is not known. action is the name of the call in policies.
func (s *stack) trouble(err error, action, resource string) Finding {
	answer, answered := errors.AsType[smithy.APIError](err)
	switch {
	case answered && slices.Contains(denied, answer.ErrorCode()):
		return s.forbidden(answer.ErrorMessage(), action, resource)
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

// forbidden is the finding of a resource that the operator may not look at. Its state is not known.
func (s *stack) forbidden(message, action, resource string) Finding {
	f := skipped("you may not look: AWS refuses %s", action)
	if _, why, found := strings.Cut(message, " because "); found {
		f.Cause += ", because " + why
	}
	return f.mend("allow " + action + " on " + resource + " to " + s.caller())
}

// caller is the caller's identity, from the first check.
func (s *stack) caller() string {
	if who := s.who.value; who != nil && who.Arn != nil {
		return *who.Arn
	}
	return "yourself"
}

// arn is the name of a resource in policies.
func (s *stack) arn(service, resource string) string {
	partition, account := "aws", "*"
	if who := s.who.value; who != nil {
		if parts := strings.Split(*who.Arn, ":"); len(parts) > 1 {
			partition = parts[1]
		}
		account = *who.Account
	}
	return strings.Join([]string{"arn", partition, service, s.Config.Region, account, resource}, ":")
}
