//go:build !unix

package embedded

import (
	"errors"
	"os"
)

var errLocked = errors.New("locked")

const (
	shared      = 0
	exclusively = 1
)

// flock refuses: without a lock two processes would write into one folder.
func flock(*os.File, int) error {
	return errors.New("embedded engines need Linux or macOS: name a Kafka and a ClickHouse in the configuration instead")
}
