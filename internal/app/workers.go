package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/quarterhour/quarterhour/internal/cli"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/identity"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/pipelines"
)

// Workers matches the people whom the sources list, tenant by tenant: pipelines of one tenant are looked at together.
func (App) Workers(ctx context.Context, s *cli.Session, list []*pipelines.Pipeline) (all []*identity.Matched, err error) {
	e, err := open(ctx, s, needs{kafka: true}, true)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	cluster, reg, err := connect(s, e)
	if err != nil {
		return nil, err
	}
	defer cluster.Close()
	var tenants []string
	facts, settings := map[string][]identity.Fact{}, map[string][]identity.Settings{}
	for _, p := range list {
		ledger, err := runtime.OpenLedger(ctx, p, runtime.LedgerOptions{Cluster: cluster, Registry: reg, Log: s.Log, Now: clock.Now})
		if err != nil {
			return nil, err
		}
		told, err := ledger.Workers(ctx)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(tenants, p.Tenant) {
			tenants = append(tenants, p.Tenant)
		}
		facts[p.Tenant], settings[p.Tenant] = append(facts[p.Tenant], told...), append(settings[p.Tenant], p.Identity)
	}
	for _, tenant := range tenants {
		aliases, err := identity.Join(settings[tenant]...)
		if err != nil {
			return nil, fmt.Errorf("tenant %q: %w", tenant, err)
		}
		all = append(all, identity.Match(tenant, facts[tenant], aliases))
	}
	return all, nil
}
