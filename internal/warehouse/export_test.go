package warehouse

import "testing"

// UseURL tells the tests inside this package where the engine is.
func UseURL(f func(testing.TB) string) { testURL = f }

// AsNative makes inserts use the tables' own types, as over the native protocol, where the server dictates them.
func (w *Warehouse) AsNative() { w.http = false }
