package warehouse

import (
	"context"
	"maps"
)

// SetAliases says who is who by the file of a pipeline: persons by their other addresses and tags, and by ids as source/worker id. The
// views of workers go by it. Aliases that are there already are not written again.
func (w *Warehouse) SetAliases(ctx context.Context, tenant, pipeline string, aliases map[string]string) error {
	var rows []struct {
		Aliases map[string]string `ch:"aliases"`
	}
	err := w.conn.Select(ctx, &rows, "SELECT aliases FROM "+w.table("identities_store")+" FINAL WHERE tenant = ? AND pipeline = ?", tenant, pipeline)
	if err != nil {
		return failed("read the aliases of persons", err)
	}
	if len(rows) == 0 && len(aliases) == 0 || len(rows) == 1 && maps.Equal(rows[0].Aliases, aliases) {
		return nil
	}
	batch, err := w.conn.PrepareBatch(ctx, "INSERT INTO "+w.table("identities_store")+" (tenant, pipeline, aliases)")
	if err != nil {
		return failed("write the aliases of persons", err)
	}
	defer func() { _ = batch.Close() }() // what matters is said by Send
	if aliases == nil {
		aliases = map[string]string{}
	}
	if err := batch.Append(tenant, pipeline, aliases); err != nil {
		return failed("write the aliases of persons", err)
	}
	return failed("write the aliases of persons", batch.Send())
}
