// Package registrytest gives tests a schema registry.
package registrytest

import (
	"testing"

	embedded "github.com/quarterhour/quarterhour/internal/embedded/registry"
	"github.com/quarterhour/quarterhour/internal/registry"
)

// Start starts a registry that ends with the test, and returns a client of it.
func Start(t testing.TB) *registry.Client {
	t.Helper()
	ids, err := embedded.Start(t.Context(), embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ids.Close() }) // nobody reads it any more
	client, err := registry.Open(ids.URL())
	if err != nil {
		t.Fatal(err)
	}
	return client
}
