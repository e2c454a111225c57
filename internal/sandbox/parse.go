package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParseLifetime reads PROVIDER=ACCESS[/REFRESH], such as hesabe=2m or tconnect=5m/1h.
func ParseLifetime(text string) (Provider, Lifetime, error) {
	name, lives, _ := strings.Cut(text, "=")
	p, err := parseProvider(name)
	if err != nil {
		return "", Lifetime{}, err
	}
	access, refresh, both := strings.Cut(lives, "/")
	life := Lifetime{}
	if life.Access, err = parseLife(access); err == nil && both {
		life.Refresh, err = parseLife(refresh)
	}
	if err != nil {
		return "", Lifetime{}, fmt.Errorf("%q is not a provider's lifetimes, such as hesabe=2m or tconnect=5m/1h: %w", text, err)
	}
	return p, life, nil
}

// parseLife reads a duration in whole seconds, as the providers tell it.
func parseLife(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err == nil && (d < time.Second || d%time.Second != 0) {
		err = fmt.Errorf("%s is not a number of whole seconds", text)
	}
	return d, err
}

// Injection is a fault as a person names it.
type Injection struct {
	Provider Provider
	Op       Op
	Times    int // 0: for all calls
	Fault    Fault
}

// FaultNames are the faults that ParseInjection knows, each with the form of its value.
var FaultNames = []string{
	"drop", "lose-reply", "status:CODE", "html:CODE", "rate-limit[:RETRY-AFTER]", "slow:DURATION", "truncate", "garbage",
	"gzip-bomb", "no-refresh-token", "expires-in:JSON",
}

// ParseInjection reads PROVIDER[/refresh|/login]=FAULT[*TIMES], such as hesabe=status:503*3,
// tconnect/login=slow:5s or berbix=drop. FaultNames are the faults.
func ParseInjection(text string) (Injection, error) {
	target, fault, _ := strings.Cut(text, "=")
	name, op, narrowed := strings.Cut(target, "/")
	i := Injection{Op: Any}
	var err error
	if i.Provider, err = parseProvider(name); err != nil {
		return i, err
	}
	if narrowed {
		i.Op = Op(op)
	}
	if !slices.Contains([]Op{Any, Refresh, Login}, i.Op) {
		return i, fmt.Errorf("%q in %q is no call: use %s or %s", op, text, Refresh, Login)
	}
	fault, times, counted := strings.Cut(fault, "*")
	if counted {
		if i.Times, err = strconv.Atoi(times); err != nil || i.Times < 1 {
			return i, fmt.Errorf("%q in %q is not a number of calls", times, text)
		}
	}
	if i.Fault, err = parseFault(fault); err != nil {
		return i, fmt.Errorf("%q is not a fault: %w; use PROVIDER[/CALL]=FAULT[*TIMES] with one of %s",
			text, err, strings.Join(FaultNames, ", "))
	}
	return i, nil
}

func parseProvider(name string) (Provider, error) {
	p := Provider(name)
	if !Plays(name) {
		return "", fmt.Errorf("the sandbox plays no provider %q: use %s", name, strings.Join(names(), ", "))
	}
	return p, nil
}

func parseFault(text string) (Fault, error) {
	name, value, _ := strings.Cut(text, ":")
	switch name {
	case "status", "html":
		code, err := strconv.Atoi(value)
		if err != nil || http.StatusText(code) == "" || code < http.StatusOK {
			return Fault{}, fmt.Errorf("%q is not the number of an HTTP status", value)
		}
		if name == "html" {
			return HTML(code), nil
		}
		return Status(code), nil
	case "rate-limit":
		return RateLimit(value), nil
	case "slow":
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return Fault{}, fmt.Errorf("%q is not a duration", value)
		}
		return Slow(d), nil
	case "expires-in":
		return ExpiresIn(value), nil
	}
	plain := map[string]func() Fault{
		"drop": Drop, "lose-reply": LoseReply, "truncate": Truncate, "garbage": Garbage, "gzip-bomb": GzipBomb,
		"no-refresh-token": WithoutRefreshToken,
	}
	fault, known := plain[text]
	if !known {
		return Fault{}, errors.New("its name is not known")
	}
	return fault(), nil
}
