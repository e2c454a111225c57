package handler

import (
	"context"

	"tokenrefresh/pkg/refresh"
)

// Resolve does what a person decided for an account, as refresh.Engine.Resolve does, and answers as
// a run does. An error is refresh.ErrUnresolved.
func (h *Refresh) Resolve(ctx context.Context, account string, how refresh.Resolution) (Result, error) {
	r := newResult(h.Engine.Provider.Name(), h.NewRunID())
	one, err := h.Engine.Resolve(ctx, refresh.Request{RunID: r.RunID, Account: account}, how)
	if err != nil {
		return Result{}, err
	}
	r.add(one)
	return r, nil
}
