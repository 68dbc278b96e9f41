// Package examples holds the pipeline files that come with the program.
package examples

import _ "embed"

// ContactCentreDay is the demo's pipeline.
//
//go:embed contact-centre-day.yaml
var ContactCentreDay []byte
