package httpcall

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/quota"
)

type noStore struct{}

func (noStore) Load(string) []byte                         { return nil }
func (noStore) Save(context.Context, string, []byte) error { return nil }

// Calls that queue for one credential must not each try the password that the first found refused: accounts lock.
func TestARefusedPasswordIsTriedOnce(t *testing.T) {
	var tries atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tries.Add(1)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer s.Close()
	keys := quota.Keyring{Store: noStore{}, Watch: clock.Wall}
	c, err := New(Options{Name: "s", Base: s.URL, Auth: Basic("u", "wrong"), Watch: clock.Wall, Credential: keys.Open("c", quota.Options{Exclusive: true, Secret: "wrong"})})
	if err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	var locked atomic.Int64
	for range 8 {
		calls.Go(func() {
			_, err := c.Do(t.Context(), &Request{Method: http.MethodGet, Path: "/"})
			if err == nil {
				t.Error("a call was answered")
			}
			if errors.Is(err, quota.ErrLocked) {
				locked.Add(1)
			}
		})
	}
	calls.Wait()
	if tries.Load() != 1 || locked.Load() != 7 {
		t.Errorf("%d tries and %d calls not made, want 1 and 7", tries.Load(), locked.Load())
	}
}
