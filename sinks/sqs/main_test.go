package sqs_test

import (
	"flag"
	"os"
	"testing"

	"github.com/quarterhour/quarterhour/sinks/sqs"
)

// The tests wait for the server's clock most of the time: many can do so at once.
func TestMain(m *testing.M) {
	flag.Parse()
	sqs.Hurry()
	if err := flag.Set("test.parallel", "40"); err != nil {
		panic(err) //nolint:forbidigo // the flag is testing's own
	}
	os.Exit(m.Run()) //nolint:forbidigo // a test's main decides
}
