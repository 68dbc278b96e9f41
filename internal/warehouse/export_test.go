package warehouse

import "testing"

// UseURL tells the tests inside this package where the engine is.
func UseURL(f func(testing.TB) string) { testURL = f }
