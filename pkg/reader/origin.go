package reader

import (
	"cmp"
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// origin is where a token may go: scheme, host and port.
type origin struct{ scheme, host, port string }

func originOf(u *url.URL) origin {
	scheme := strings.ToLower(u.Scheme)
	port := map[string]string{"https": "443", "http": "80"}[scheme]
	return origin{scheme, strings.ToLower(u.Hostname()), cmp.Or(u.Port(), port)}
}

// parseOrigin takes the origin of a base URL.
func parseOrigin(text string) (origin, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "": // the error would quote the text
		return origin{}, errors.New("it is not a URL such as https://api.example.com")
	case u.User != nil:
		return origin{}, errors.New("it must not hold a user or password")
	}
	o := originOf(u)
	if o.scheme != "https" && (o.scheme != "http" || !loopback(o.host)) {
		return origin{}, errors.New("it must begin with https://: the token would be sent in plain text")
	}
	return o, nil
}

// loopback reports whether host is this machine.
func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}
