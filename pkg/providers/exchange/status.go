package exchange

import (
	"net/http"
	"time"

	"tokenrefresh/pkg/providers"
)

// judge returns the error of a status that means the same with every provider, and
// nil for those that the caller has to judge: 2xx and most of 4xx.
func judge(reply Reply, header http.Header, now time.Time) error {
	switch status := reply.Status; {
	case status == http.StatusTooManyRequests, status == http.StatusTooEarly:
		e := reply.Fail(providers.RateLimited, "the provider asks to wait")
		if !reply.Date.IsZero() {
			now = reply.Date // a date in Retry-After is on the provider's clock
		}
		e.RetryAfter = ParseRetryAfter(header.Get("Retry-After"), now)
		return e
	case status == http.StatusRequestTimeout, status >= 500, status < 200:
		return reply.Fail(providers.Unknown, "the provider failed to answer")
	case status >= 300 && status < 400:
		return reply.Fail(providers.Misconfigured, "the provider redirects elsewhere: correct base_url")
	}
	return nil
}
