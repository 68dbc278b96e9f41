package webhook

import (
	"testing"

	"github.com/quarterhour/quarterhour/ingest/sourcetest"
)

func TestTheSuite(t *testing.T) {
	sourcetest.Run(t, sourcetest.Case{
		Registration: Registration, Idle: true, Survives: []sourcetest.Fault{}, Secrets: []string{"0123456789abcdef"},
		YAML: "listen: 127.0.0.1:0\nauth: {tokens: [0123456789abcdef]}\nas: contact\nfields: {interaction_id: id}\n",
	})
}
