package warehouse

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
)

func TestErrorClasses(t *testing.T) {
	f := func(err error, permanent bool, want string) {
		t.Helper()
		got := failed("insert into contacts_store", err)
		if Permanent(got) != permanent {
			t.Errorf("%v: permanent is not %v", got, permanent)
		}
		if !strings.Contains(got.Error(), want) || !strings.HasPrefix(got.Error(), "insert into contacts_store: ") || !errors.Is(got, err) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
	exception := func(code int32, name string) error {
		return &clickhouse.Exception{Code: code, CodeName: name, Message: "m"}
	}
	f(io.ErrUnexpectedEOF, false, "unexpected EOF: check that ClickHouse runs")
	f(context.DeadlineExceeded, false, "deadline exceeded")
	f(context.Canceled, false, "context canceled")
	f(exception(252, "TOO_MANY_PARTS"), false, "ClickHouse error 252 (TOO_MANY_PARTS): m: too many parts")
	f(exception(241, "MEMORY_LIMIT_EXCEEDED"), false, "give it more")
	f(exception(159, "TIMEOUT_EXCEEDED"), false, "too slow")
	f(exception(999, "KEEPER_EXCEPTION"), false, "KEEPER_EXCEPTION")
	f(exception(516, "AUTHENTICATION_FAILED"), true, "check the user and password")
	f(exception(497, "ACCESS_DENIED"), true, "grant")
	f(exception(16, "NO_SUCH_COLUMN_IN_TABLE"), true, "run `quarterhour migrate`")
	f(exception(243, "NOT_ENOUGH_SPACE"), true, "make room")
	if failed("x", nil) != nil {
		t.Error("no error became one")
	}
	twice := failed("outer", failed("inner", exception(60, "UNKNOWN_TABLE")))
	if !strings.HasPrefix(twice.Error(), "inner: ") {
		t.Errorf("got %q", twice)
	}
}
