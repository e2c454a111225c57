package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// cloud is Secrets Manager, DynamoDB and a provider of single-use refresh tokens, in memory and
// in the time of a bubble: each call takes as long as the bench says. Writes to the secrets are
// throttled as AWS does it.
type cloud struct {
	mu   sync.Mutex
	rows map[store.Key]store.Row
	docs map[string]*versions

	left      float64 // of this second's writes
	filled    time.Time
	throttled int

	serial  int
	current map[string]int // the refresh token of an account that is good
	replays int

	// How calls end, and where they go. A test changes them between two runs.
	hosts   func(account string) string
	hangs   func(account string) bool
	refuses func(account string) bool // its refresh token, and it has no login
	down    bool                      // the provider cannot be reached
	quota   float64                   // writes to the secrets a second; 0: none is taken

	published map[string]time.Time     // until when the readers of an account have a token
	gaps      map[string]time.Duration // for how long they had none, since watched
	watched   time.Time                // zero: not yet
}

type versions struct {
	current string
	values  map[string]secret.String
}

func newCloud(accounts int) *cloud {
	c := &cloud{
		rows: map[store.Key]store.Row{}, docs: map[string]*versions{}, filled: time.Now(), left: secretWrites,
		current: map[string]int{}, published: map[string]time.Time{}, gaps: map[string]time.Duration{},
		hosts: func(string) string { return "api" }, hangs: nobody, refuses: nobody, quota: secretWrites,
	}
	for i := range accounts {
		key := c.key(fmt.Sprintf("shop-%05d", i))
		c.rows[key] = store.Row{Key: key, Phase: store.Idle, RefreshAt: time.Now()}
		for _, doc := range []store.Document{store.Credentials, store.TokensDoc, store.AccessDoc} {
			c.docs[place(key, doc)] = &versions{values: map[string]secret.String{}}
		}
		d := c.docs[place(key, store.Credentials)]
		d.current, d.values["first"] = "first", secret.New(key.Account)
	}
	return c
}

func (c *cloud) key(account string) store.Key { return store.Key{Provider: c.Name(), Account: account} }

func nobody(string) bool { return false }

func place(key store.Key, doc store.Document) string { return key.String() + "/" + string(doc) }

// call takes its time, and then does its work alone.
func (c *cloud) call(ctx context.Context, takes time.Duration, act func() error) error {
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return act()
}

// write is a call that the quota counts.
func (c *cloud) write(ctx context.Context, act func() error) error {
	return c.call(ctx, manyAWS, func() error {
		now := time.Now()
		c.left = min(c.quota, c.left+c.quota*now.Sub(c.filled).Seconds())
		c.filled = now
		if c.left < 1 {
			c.throttled++
			return store.ErrThrottled
		}
		c.left--
		return act()
	})
}

func (c *cloud) Current(ctx context.Context, key store.Key, doc store.Document) (v store.Version, err error) {
	err = c.call(ctx, manyAWS, func() error {
		d := c.docs[place(key, doc)]
		if d.current == "" {
			return store.ErrNoValue
		}
		v = store.Version{ID: d.current, Value: d.values[d.current]}
		return nil
	})
	return v, err
}

func (c *cloud) CurrentID(ctx context.Context, key store.Key, doc store.Document) (id string, err error) {
	err = c.call(ctx, manyAWS, func() error { id = c.docs[place(key, doc)].current; return nil })
	return id, err
}

func (c *cloud) ByID(ctx context.Context, key store.Key, doc store.Document, id string) (v store.Version, err error) {
	err = c.call(ctx, manyAWS, func() error {
		value, ok := c.docs[place(key, doc)].values[id]
		if !ok {
			return store.ErrNoVersion
		}
		v = store.Version{ID: id, Value: value}
		return nil
	})
	return v, err
}

func (c *cloud) Stage(ctx context.Context, key store.Key, doc store.Document, v store.Version) (current bool, err error) {
	err = c.write(ctx, func() error {
		d := c.docs[place(key, doc)]
		d.values[v.ID] = v.Value
		for id := range d.values { // few are asked for again
			if len(d.values) > 3 && id != v.ID && id != d.current {
				delete(d.values, id)
			}
		}
		if d.current == "" {
			d.current, current = v.ID, true
			c.publish(key, doc, v.Value)
		}
		return nil
	})
	return current, err
}

func (c *cloud) Promote(ctx context.Context, key store.Key, doc store.Document, from, to string) error {
	return c.write(ctx, func() error {
		d := c.docs[place(key, doc)]
		switch {
		case d.current == to:
			return nil
		case d.current != from:
			return &store.MovedError{Current: d.current}
		}
		d.current = to
		c.publish(key, doc, d.values[to])
		return nil
	})
}

// publish notes until when readers have a token.
func (c *cloud) publish(key store.Key, doc store.Document, value secret.String) {
	var access struct {
		Expires time.Time `json:"access_expires_at"`
	}
	if doc != store.AccessDoc || json.Unmarshal([]byte(value.Reveal()), &access) != nil {
		return
	}
	c.count(key.Account)
	c.published[key.Account] = access.Expires
}

// count adds the time without a token until now.
func (c *cloud) count(account string) {
	since := c.published[account]
	if c.watched.IsZero() || since.IsZero() {
		return
	}
	if c.watched.After(since) {
		since = c.watched
	}
	c.gaps[account] += max(0, time.Since(since))
}

func (c *cloud) Rows(ctx context.Context, _ string) (rows []store.Row, err error) {
	err = c.call(ctx, manyAWS, func() error {
		for _, r := range c.rows {
			rows = append(rows, r)
		}
		slices.SortFunc(rows, func(a, b store.Row) int { return strings.Compare(a.Account, b.Account) })
		return nil
	})
	return rows, err
}

func (c *cloud) Row(ctx context.Context, key store.Key) (r store.Row, ok bool, err error) {
	err = c.call(ctx, manyAWS, func() error { r, ok = c.rows[key]; return nil })
	return r, ok, err
}

func (c *cloud) Write(ctx context.Context, row store.Row, g store.Guard) error {
	return c.call(ctx, manyAWS, func() error {
		was, exists := c.rows[row.Key]
		if !g.Holds(was, exists) {
			return &store.LostError{Current: was, Exists: exists}
		}
		row.Paused, row.Told = was.Paused, was.Told
		c.rows[row.Key] = row
		return nil
	})
}

func (*cloud) SetPaused(context.Context, store.Key, bool) error { return nil }

func (c *cloud) SetTold(ctx context.Context, key store.Key, told string) error {
	return c.call(ctx, manyAWS, func() error {
		r := c.rows[key]
		r.Told = told
		c.rows[key] = r
		return nil
	})
}

// Name implements providers.Provider.
func (*cloud) Name() string { return "hesabe" }

// Open implements providers.Provider. The credentials are the account's name.
func (c *cloud) Open(credentials secret.String) (providers.Session, error) {
	return merchant{c, credentials.Reveal()}, nil
}

// merchant is an account at the provider.
type merchant struct {
	cloud   *cloud
	account string
}

func (m merchant) CanLogin() bool { return !m.cloud.refuses(m.account) }
func (m merchant) Host() string   { return m.cloud.hosts(m.account) }

func (m merchant) Decode(secret.String, time.Time) (providers.Tokens, error) {
	return providers.Tokens{}, &providers.Error{Kind: providers.Unknown}
}

func (m merchant) Login(ctx context.Context) (providers.Tokens, error) {
	return m.exchange(ctx, "")
}

func (m merchant) Refresh(ctx context.Context, token secret.String) (providers.Tokens, error) {
	return m.exchange(ctx, token.Reveal())
}

func (m merchant) exchange(ctx context.Context, presented string) (t providers.Tokens, err error) {
	c := m.cloud
	switch {
	case c.down:
		return t, &providers.Error{Kind: providers.NotSent}
	case c.refuses(m.account):
		return t, &providers.Error{Kind: providers.Refused}
	case c.hangs(m.account):
		<-ctx.Done()
		return t, &providers.Error{Kind: providers.Unknown}
	}
	sent := time.Now()
	err = c.call(ctx, manyProvider, func() error {
		if presented != "" && presented != fmt.Sprint(c.current[m.account]) {
			c.replays++
			return &providers.Error{Kind: providers.Refused}
		}
		c.serial++
		c.current[m.account] = c.serial
		t = providers.Tokens{
			AccessToken: secret.New(fmt.Sprint("access-", c.serial)), RefreshToken: secret.New(fmt.Sprint(c.serial)),
			TokenType: "Bearer", IssuedAt: sent, AccessExpiresAt: sent.Add(hesabeLife),
		}
		return nil
	})
	if err != nil && ctx.Err() != nil {
		err = &providers.Error{Kind: providers.Unknown}
	}
	return t, err
}

// healthyGaps is the longest time that an account went without a token that does not hang, and
// how many such accounts there were.
func (c *cloud) healthyGaps() (longest time.Duration, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for account := range c.published {
		c.count(account)
		if gap := c.gaps[account]; gap > 0 && !c.hangs(account) {
			longest, n = max(longest, gap), n+1
		}
	}
	return longest, n
}
