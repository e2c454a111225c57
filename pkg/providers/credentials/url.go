package credentials

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
)

// ParseURL reads an address. Tokens are sent there, so it must be https; http is accepted for this
// machine alone.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "": // the error would quote the text
		return nil, errors.New("is not a URL such as https://api.example.com")
	case u.User != nil:
		return nil, errors.New("must not hold a user or password")
	case strings.ContainsFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }):
		return nil, errors.New("must name its host in ASCII: xn--…")
	case strings.Contains(text, "#"):
		return nil, errors.New("must not have a fragment")
	case u.Scheme != "https" && (u.Scheme != "http" || !Loopback(u.Hostname())):
		return nil, errors.New("must begin with https://")
	}
	if u.Path == "" {
		u.Path = "/" // JoinPath would make a relative path
	}
	return u, nil
}

// Loopback reports whether host is this machine.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}
