package sqs_test

import (
	"context"
	"crypto/md5"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/sqs"
	"github.com/quarterhour/quarterhour/sinks/sqs/sqstest"
)

// Within five minutes a FIFO queue knows a message that comes again, unless a person asked for it.
func TestDeduplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqstest.Options{FIFO: true})
	again := row("sales", 1)
	again.Again = true
	w.send(t, row("sales", 1))
	w.send(t, row("sales", 1))
	w.send(t, row("sales", 2))
	w.send(t, again)
	if n := len(w.Take(t)); n != 3 {
		t.Errorf("%d messages, want 3", n)
	}
}

// answering is an outbox whose queue answers as it is told.
func answering(t *testing.T, answer func(w http.ResponseWriter, ids []string)) (delivery.Destination, *[][]string) {
	t.Helper()
	var asked [][]string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Entries []struct{ ID, MessageBody string }
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		var ids []string
		for _, e := range in.Entries {
			ids = append(ids, e.ID)
		}
		asked = append(asked, ids)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		answer(w, ids)
	}))
	t.Cleanup(server.Close)
	o := &sqs.Config{
		Queue: server.URL + "/1/wfm", Endpoint: server.URL, AccessKey: "test", SecretKey: "test", Group: "tenant", MaxBytes: 2500, Timeout: 10 * time.Second,
	}
	opened, err := sqs.Registration.Deliver(t.Context(), o, sinks.Deps{Tenant: "acme", Pipeline: "pipeline", Watch: clock.Wall})
	if err != nil {
		t.Fatal(err)
	}
	return opened.Destination, &asked
}

func failed(id, code string, sender bool) string {
	return fmt.Sprintf(`{"Id":%q,"Code":%q,"Message":"said so","SenderFault":%t}`, id, code, sender)
}

// What SQS finds wrong is refused; what it could not take is sent again, and only that.
func TestPartOfARequest(t *testing.T) {
	t.Parallel()
	items := []delivery.Item{row("sales", 1), row("support", 1), row("service", 1)}
	sum := md5.Sum([]byte(body(t, items[2])))
	first := true
	out, asked := answering(t, func(w http.ResponseWriter, _ []string) {
		if first {
			first = false
			_, _ = fmt.Fprintf(w, `{"Successful":[{"Id":"2","MessageId":"m","MD5OfMessageBody":"%x"}],"Failed":[%s,%s]}`,
				sum, failed("0", "InvalidMessageContents", true), failed("1", "InternalError", false))
			return
		}
		_, _ = fmt.Fprintf(w, `{"Successful":[],"Failed":[%s,%s]}`, failed("0", "InvalidMessageContents", true), failed("1", "InvalidParameterValue", true))
	})
	err := out.Send(t.Context(), items)
	var fault *httpcall.Error
	if !errors.As(err, &fault) || fault.Kind != httpcall.Transient {
		t.Errorf("%v, want a passing failure", err)
	}
	var refused *delivery.Refused
	if err := out.Send(t.Context(), items); !errors.As(err, &refused) || len(refused.Items) != 2 || refused.Items[1].Index != 1 {
		t.Errorf("%v, want two refused", err)
	}
	if diff := cmp.Diff([][]string{{"0", "1", "2"}, {"0", "1"}}, *asked); diff != "" {
		t.Error(diff)
	}
}

// A message that is too large is refused; a request that is too large is to be sent in halves.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	out, asked := answering(t, func(w http.ResponseWriter, _ []string) { _, _ = fmt.Fprint(w, `{"Successful":[],"Failed":[]}`) })
	large := row("sales", 1)
	large.Queue.QueueName = strings.Repeat("x", 3000)
	var refused *delivery.Refused
	if err := out.Send(t.Context(), []delivery.Item{large}); !errors.As(err, &refused) || refused.Items[0].Reason != "too_large" {
		t.Errorf("%v, want it refused", err)
	}
	var fault *httpcall.Error
	err := out.Send(t.Context(), []delivery.Item{row("sales", 1), row("support", 1), row("service", 1), row("back", 1)})
	if !errors.As(err, &fault) || fault.Kind != httpcall.Permanent {
		t.Errorf("%v, want a failure of the request", err)
	}
	if len(*asked) > 0 {
		t.Errorf("%d requests", len(*asked))
	}
	// An answer that leaves a message out is no success.
	if err := out.Send(t.Context(), []delivery.Item{row("sales", 1)}); !errors.As(err, &fault) || fault.Kind != httpcall.Transient {
		t.Errorf("%v, want a passing failure", err)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	f := func(status int, code string, want httpcall.Kind) {
		t.Helper()
		out, _ := answering(t, func(w http.ResponseWriter, _ []string) {
			w.Header().Set("X-Amzn-Query-Error", code+";Sender")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"__type":"com.amazonaws.sqs#%s","message":"said so"}`, code)
		})
		err := out.Send(context.Background(), []delivery.Item{row("sales", 1)})
		var fault *httpcall.Error
		if !errors.As(err, &fault) || fault.Kind != want || fault.Status != status || !strings.Contains(fault.Error(), code) {
			t.Errorf("%d %s: %v, want %s", status, code, err, want)
		}
	}
	f(400, "ThrottlingException", httpcall.Throttled)
	f(403, "RequestThrottled", httpcall.Throttled)
	f(429, "SlowDown", httpcall.Throttled)
	f(400, "AccessDenied", httpcall.Refused)
	f(403, "SignatureDoesNotMatch", httpcall.Refused)
	f(400, "ExpiredTokenException", httpcall.Refused)
	f(400, "AWS.SimpleQueueService.NonExistentQueue", httpcall.Transient)
	f(400, "QueueDoesNotExist", httpcall.Transient)
	f(400, "BatchRequestTooLong", httpcall.Permanent)
	f(400, "InvalidParameterValue", httpcall.Permanent)
	f(500, "InternalFailure", httpcall.Transient)
	f(503, "ServiceUnavailable", httpcall.Transient)
}
