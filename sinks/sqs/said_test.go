package sqs_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/sqs"
)

// SQS repeats the headers of a request whose signature it does not accept, the session token among them. What it says is kept without secrets, and
// not without end.
func TestWhatSQSSaysIsBounded(t *testing.T) {
	t.Parallel()
	f := func(status int, answer string) {
		t.Helper()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, answer)
		}))
		defer server.Close()
		o := &sqs.Config{
			Queue: server.URL + "/1/wfm", Endpoint: server.URL, AccessKey: "test", SecretKey: "s3cret-4711", Token: "t0ken-4712", Group: "tenant", MaxBytes: 250_000, Timeout: 10 * time.Second,
		}
		opened, err := sqs.Registration.Deliver(t.Context(), o, sinks.Deps{Tenant: "acme", Pipeline: "pipeline", Watch: clock.Wall})
		if err != nil {
			t.Fatal(err)
		}
		err = opened.Destination.Send(t.Context(), []delivery.Item{row("sales", 1)})
		var refused *delivery.Refused
		var fault *httpcall.Error
		said := ""
		if errors.As(err, &refused) {
			said = refused.Items[0].Detail
		} else if errors.As(err, &fault) {
			said = fault.Error()
		}
		if len(said) > 500 || !strings.Contains(said, "Canonical ***") || strings.Contains(said, "471") {
			t.Errorf("%d: %.600s", status, said)
		}
	}
	text := "Canonical s3cret-4711 x-amz-security-token:t0ken-4712" + strings.Repeat(" no", 10_000)
	f(403, `{"__type":"com.amazon.coral.service#SignatureDoesNotMatch","message":"`+text+`"}`)
	f(200, `{"Successful":[],"Failed":[{"Id":"0","Code":"InvalidMessageContents","SenderFault":true,"Message":"`+text+`"}]}`)
}
