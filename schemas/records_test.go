package schemas

import "testing"

func TestEnumNames(t *testing.T) {
	if got := StateNotReady.String(); got != "not_ready" {
		t.Fatalf("got %q", got)
	}
}
