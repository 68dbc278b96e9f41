//go:build !unix

package wholefile

import (
	"context"
	"errors"
)

// Lock refuses: without one, two writers would each undo what the other wrote.
func Lock(context.Context, string) (func() error, error) {
	return nil, errors.New("files that several may write need Linux or macOS")
}

func Settle(string) error { return nil }
