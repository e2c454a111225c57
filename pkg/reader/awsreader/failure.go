package awsreader

import (
	"errors"
	"fmt"
	"slices"

	"github.com/aws/smithy-go"

	"tokenrefresh/pkg/reader"
)

// deniedCodes are the answers that stay the same until a person acts.
var deniedCodes = []string{"AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "InvalidClientTokenId"}

// failure maps an SDK's error to ours. AWS's answers to a read quote no secret.
func failure(action string, err error) error {
	if answer, ok := errors.AsType[smithy.APIError](err); ok && slices.Contains(deniedCodes, answer.ErrorCode()) {
		return fmt.Errorf("%w: the role needs %s on it: %w", reader.ErrDenied, action, err)
	}
	return err
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
