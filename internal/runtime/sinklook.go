package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/identity"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/sinks"
)

// SinkCredentialNames are the credentials that a delivering sink signs its requests with. It is opened to learn that, and sends nothing.
func SinkCredentialNames(ctx context.Context, file *pipelines.Pipeline, s pipelines.Sink) ([]string, error) {
	keyring := &quota.Keyring{Watch: clock.Wall}
	d, err := s.Registration.Deliver(ctx, s.Options, sinks.Deps{
		Tenant: file.Tenant, Pipeline: file.Name, Name: s.Name, Log: slog.New(slog.DiscardHandler), Zone: file.Zone, Aliases: identity.Of(file.Identity),
		Interval: file.Interval, Retention: file.Retention, Watch: clock.Wall, Keyring: keyring,
	})
	if err != nil {
		return nil, fmt.Errorf("sink %q: %w", s.Name, err)
	}
	return slices.Sorted(maps.Keys(keyring.All())), d.Destination.Close()
}
