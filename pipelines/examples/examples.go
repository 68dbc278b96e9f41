// Package examples holds the pipeline files that come with the program.
package examples

import _ "embed"

// ContactCentreDay is the demo's pipeline.
//
//go:embed contact-centre-day.yaml
var ContactCentreDay []byte

// ContactCentre reads Five9 and Gladly, or the simulated ones.
//
//go:embed contact-centre.yaml
var ContactCentre []byte
