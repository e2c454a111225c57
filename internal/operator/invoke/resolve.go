package invoke

import (
	"context"
	"log/slog"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/handler"
	"tokenrefresh/pkg/refresh"
)

// Resolve does in this process what a person decided for an account of a provider that
// has chains. An error is refresh.ErrUnresolved.
func Resolve(
	ctx context.Context, provider catalog.Entry, h *home.Home, cfg config.Config, log *slog.Logger,
	account string, how refresh.Resolution,
) (handler.Result, error) {
	return newRefresh(provider, h, cfg, log).Resolve(ctx, account, how)
}
