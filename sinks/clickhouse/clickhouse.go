package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/quarterhour/quarterhour/internal/warehouse"
	"github.com/quarterhour/quarterhour/sinks"
)

type sink struct {
	warehouse *warehouse.Warehouse
	tables    *warehouse.Tables
	raw       bool
}

func open(ctx context.Context, options any, d sinks.Deps) (sinks.Sink, error) {
	c, ok := options.(*Config)
	if !ok {
		return nil, fmt.Errorf("sink %q: options are %T, not those of clickhouse", d.Name, options)
	}
	url := c.URL
	if url == "" {
		url = d.Warehouse
	}
	if url == "" {
		return nil, fmt.Errorf("sink %q: no ClickHouse: give url, or clickhouse.url in the configuration", d.Name)
	}
	w, err := warehouse.Open(ctx, warehouse.Config{URL: url, Database: c.Database, Product: "quarterhour"})
	if err != nil {
		return nil, fmt.Errorf("sink %q: %w", d.Name, err)
	}
	if err := prepare(ctx, w, c.Migrate, d.Log); err != nil {
		return nil, errors.Join(fmt.Errorf("sink %q: %w", d.Name, err), w.Close())
	}
	if err := w.SetAliases(ctx, d.Tenant, d.Pipeline, d.Aliases); err != nil {
		return nil, errors.Join(fmt.Errorf("sink %q: %w", d.Name, err), w.Close())
	}
	return &sink{warehouse: w, tables: w.Tables(), raw: c.Raw}, nil
}

func prepare(ctx context.Context, w *warehouse.Warehouse, migrate string, log *slog.Logger) error {
	if migrate == "never" {
		pending, err := w.Pending(ctx)
		if err == nil && pending {
			err = fmt.Errorf("the tables of database %q are not those of this version: run `quarterhour migrate`, or set migrate: auto", w.Database())
		}
		return err
	}
	return w.Migrate(ctx, func(m warehouse.Migration) {
		switch {
		case log == nil:
		case m.Outcome == "applied":
			log.Info("migrated", "database", w.Database(), "script", m.Name)
		case m.Outcome == "unknown":
			log.Warn("the tables were made by a newer version", "database", w.Database(), "script", m.Name)
		}
	})
}

// Write implements sinks.Sink. It is safe for concurrent use.
func (s *sink) Write(ctx context.Context, b *sinks.Batch) error {
	if !s.raw {
		without := *b
		without.Contacts, without.AgentStates = nil, nil
		b = &without
	}
	return s.tables.Insert(ctx, b)
}

// Close implements sinks.Sink.
func (s *sink) Close() error { return s.warehouse.Close() }
