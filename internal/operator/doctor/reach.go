package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/store"
)

// reachLimit is how long a provider may take to answer anything at all.
const reachLimit = 10 * time.Second

// reach checks that the provider can be reached, from this machine.
func (p *provider) reach(ctx context.Context) []Finding {
	found := p.group(ctx).reach(ctx)
	for i, f := range found {
		if f.Verdict == OK {
			found[i].Cause += ", from this machine"
		}
		if f.Verdict == Fail {
			found[i].Verdict = Warn
			found[i].Cause += "; seen from this machine: the function's network is another, see its log"
		}
	}
	return found
}

// reach checks each address of the accounts.
func (g group) reach(ctx context.Context) []Finding {
	var found []Finding
	all := g.addresses(ctx)
	for _, address := range slices.Sorted(maps.Keys(all)) {
		for _, f := range reachOne(ctx, address, g.entry.Setting, g.seedLine(all[address][0])) {
			if len(g.names) > 1 {
				f.Cause = fmt.Sprintf("%s/%s: %s", g.entry.Name, some(all[address]), f.Cause)
			}
			found = append(found, f)
		}
	}
	if len(found) == 0 {
		return []Finding{skipped("no credentials name an address of %s", g.entry.Name)}
	}
	return found
}

// addresses are the provider's addresses in the accounts' credentials, each with its accounts.
// Credentials that cannot be used name none.
func (g group) addresses(ctx context.Context) map[string][]string {
	client := g.entry.New(exchange.New(exchange.Options{}), g.environment)
	all := map[string][]string{}
	for _, account := range g.names {
		v, err := g.home.Secrets.Current(ctx, g.key(account), store.Credentials)
		if err == nil {
			if _, err := client.Open(v.Value); err != nil {
				continue
			}
		}
		if address := cmp.Or(g.entry.Address(v.Value), client.Address()); address != "" {
			all[address] = append(all[address], account)
		}
	}
	return all
}

// reachOne calls an address without credentials; any answer is good. Like the functions it uses no
// proxy and follows no redirect. seed is the command that corrects the address, in the field setting.
func reachOne(ctx context.Context, address, setting, seed string) []Finding {
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	asked := false
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked = true
			return new(tls.Certificate), nil // none
		},
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return []Finding{fail("%s is not an address", address).mend("correct "+setting+" in the credentials", seed)}
	}
	began := time.Now()
	response, err := transport.RoundTrip(request)
	if err != nil {
		hint := strings.ReplaceAll(exchange.Explain(err, asked), "base_url", setting)
		return []Finding{unreachable(request.URL, err, hint, setting, seed)}
	}
	_ = response.Body.Close()
	found := []Finding{ok("%s answers", address)}
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		middle := began.Add(time.Since(began) / 2)
		if f := judgeClock(date.Sub(middle), request.URL.Hostname()); f.Verdict != OK {
			f.Verdict = Warn // lifetimes are counted from this machine's clock alone
			found = append(found, f)
		}
	}
	return found
}

// unreachable reports the step that failed. hint is about a failed TLS handshake.
func unreachable(u *url.URL, err error, hint, setting, seed string) Finding {
	host := u.Hostname()
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &name):
		return fail("the name %s is not found: %s", host, name.Err).
			mend("check this machine's DNS; if "+setting+" is wrong, correct the credentials", "getent hosts "+host, seed)
	case errors.As(err, &certificate), hint != "" && !errors.Is(err, context.DeadlineExceeded):
		return fail("no secure connection to %s%s: %v", host, hint, err).
			mend("look at what it shows, whether a proxy is in between, and at the date of this machine",
				fmt.Sprintf("openssl s_client -connect %s -servername %s", net.JoinHostPort(host, cmp.Or(u.Port(), "443")), host))
	case errors.Is(err, syscall.ECONNREFUSED):
		return fail("%s refuses connections", u.Host).
			mend("check whether the provider is down; if "+setting+" is wrong, correct the credentials", "curl -sI "+u.String(), seed)
	case errors.Is(err, context.DeadlineExceeded):
		return fail("%s does not answer within %s", u.Host, reachLimit).
			mend("a firewall, or the provider, may filter this machine's address: have it allowed", "curl -sI "+u.String())
	}
	return fail("%s cannot be reached: %v", u.Host, err).mend("check this machine's way to the Internet", "curl -sI "+u.String())
}
