package clickhouse

import "errors"

const childDir = "CLICKHOUSE_TEST_CHILD_DIR"

func child(dir string) {}

func asError[T error](err error, target *T) bool { return errors.As(err, target) }
