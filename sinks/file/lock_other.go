//go:build !unix

package file

import (
	"context"
	"errors"
)

// lock refuses: without one, two writers would each undo what the other wrote.
func lock(context.Context, string) (func() error, error) {
	return nil, errors.New("the file sink needs Linux or macOS")
}

func settle(string) error { return nil }
