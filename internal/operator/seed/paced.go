package seed

import (
	"context"

	"golang.org/x/time/rate"

	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Paced is an editor with a limit of writes a second: Secrets Manager takes 50 in an AWS account
// and region, and the functions' refreshes need some of them.
func Paced(editor home.Editor, perSecond float64) home.Editor {
	return &paced{editor, rate.NewLimiter(rate.Limit(perSecond), 1)}
}

type paced struct {
	home.Editor
	turns *rate.Limiter
}

// CreateSecret implements home.Editor.
func (p *paced) CreateSecret(ctx context.Context, key store.Key, doc store.Document) error {
	if err := p.turns.Wait(ctx); err != nil {
		return err
	}
	return p.Editor.CreateSecret(ctx, key, doc)
}

// PutCurrent implements home.Editor.
func (p *paced) PutCurrent(ctx context.Context, key store.Key, doc store.Document, value secret.String) (string, error) {
	if err := p.turns.Wait(ctx); err != nil {
		return "", err
	}
	return p.Editor.PutCurrent(ctx, key, doc, value)
}
