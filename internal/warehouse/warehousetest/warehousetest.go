// Package warehousetest starts ClickHouse's engine for tests.
package warehousetest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quarterhour/quarterhour/internal/embedded/clickhouse"
	"github.com/quarterhour/quarterhour/internal/warehouse"
)

// The engine can be loaded once per process, so all tests of a package share one.
var engine struct {
	once sync.Once
	url  string
	err  error
	stop func()
}

var databases atomic.Int64

// Main runs the tests of a package that uses this one, and stops the engine after them: func TestMain(m *testing.M) { warehousetest.Main(m) }.
func Main(m *testing.M) {
	code := m.Run()
	if engine.stop != nil {
		engine.stop()
	}
	os.Exit(code)
}

// URL is the address of the engine of this process, or of the server named by $QUARTERHOUR_TEST_CLICKHOUSE.
func URL(t testing.TB) string {
	t.Helper()
	if url := os.Getenv("QUARTERHOUR_TEST_CLICKHOUSE"); url != "" {
		return url
	}
	engine.once.Do(func() {
		dir, err := os.MkdirTemp("", "warehousetest")
		if err != nil {
			engine.err = err
			return
		}
		s, err := clickhouse.Start(context.Background(), clickhouse.Options{Dir: dir})
		if err != nil {
			engine.err = err
			return
		}
		engine.url = "http://" + s.Addr()
		engine.stop = func() {
			_ = s.Close()
			_ = os.RemoveAll(dir)
		}
	})
	if engine.err != nil {
		t.Fatal(engine.err)
	}
	return engine.url
}

// Empty opens the engine with a database of its own for the test, which is not made yet.
func Empty(t testing.TB) (*warehouse.Warehouse, warehouse.Config) {
	t.Helper()
	config := warehouse.Config{URL: URL(t), Database: fmt.Sprintf("test_%d_%d", os.Getpid(), databases.Add(1))}
	w, err := warehouse.Open(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Exec(context.Background(), "DROP DATABASE IF EXISTS "+config.Database); err != nil {
			t.Error(err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w, config
}

// Open opens the engine with a database of its own for the test, with all its tables.
func Open(t testing.TB) *warehouse.Warehouse {
	t.Helper()
	w, _ := Empty(t)
	if err := w.Migrate(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	return w
}
