package httpcall

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/quota"
)

// A vendor that asks to be left alone for a year is left alone for as long as the caller lets it ask for, also by those who share the
// credential.
func TestWhatAVendorMayAskFor(t *testing.T) {
	c, v, watch := serve(t, func(o *Options) {
		o.Asked, o.Attempts = time.Hour, 1
		o.Credential = (&quota.Keyring{Watch: o.Watch}).Open("acme", quota.Options{})
	}, status(http.StatusTooManyRequests, "Retry-After", "31536000"), says("text/plain", "x"))
	_, _, err := c.Bytes(t.Context(), &Request{})
	var failed *Error
	if !errors.As(err, &failed) || failed.Kind != Throttled || failed.RetryAfter != time.Hour {
		t.Errorf("the error is %v, want a wait of an hour", err)
	}
	_, _, err = c.Bytes(t.Context(), &Request{})
	var held *quota.Exhausted
	if most := time.Hour + 4*time.Minute; !errors.As(err, &held) || held.Until.Sub(watch.Now()) > most {
		t.Errorf("the error is %v, want the credential to be held for %s at most", err, most)
	}
	if v.calls() != 1 {
		t.Errorf("%d calls, want 1", v.calls())
	}
}
