// Package examples holds the pipeline files that come with the program.
package examples

import _ "embed"

// ContactCentreDay reads a day from files.
//
//go:embed contact-centre-day.yaml
var ContactCentreDay []byte

// ContactCentre reads Five9 and Gladly, ContactCentreMail reads iService, or the simulated ones: the demo's pipelines.
var (
	//go:embed contact-centre.yaml
	ContactCentre []byte
	//go:embed contact-centre-mail.yaml
	ContactCentreMail []byte
)
