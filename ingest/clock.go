package ingest

import (
	"fmt"
	"net/http"
	"time"
)

const (
	// clocksAgree is how far clocks may be apart without a word: what answers say has whole seconds, and they travel.
	clocksAgree = 10 * time.Second
	// clocksAhead is from how far ahead of the vendor's a clock makes sources promise what has not happened yet.
	clocksAhead = 2 * time.Minute
)

// CompareClocks says whether our clock and the vendor's agree, by the Date of an answer.
func CompareClocks(ours time.Time, date string) Finding {
	f := Finding{What: "clock", Outcome: Fine, Detail: fmt.Sprintf("the vendor's and ours agree within %s", clocksAgree)}
	theirs, err := http.ParseTime(date)
	if err != nil {
		f.Outcome, f.Detail = Doubt, "the vendor's answer has no date that could be compared with our clock"
		return f
	}
	switch off := ours.Sub(theirs).Round(time.Second); {
	case off > clocksAhead:
		f.Outcome, f.Detail = Failure, fmt.Sprintf("ours is %s ahead of the vendor's: what it will still tell would count as missing; set this machine's clock", off)
	case off > clocksAgree:
		f.Outcome, f.Detail = Doubt, fmt.Sprintf("ours is %s ahead of the vendor's: set this machine's clock", off)
	case off < -clocksAgree:
		f.Outcome, f.Detail = Doubt, fmt.Sprintf("ours is %s behind the vendor's: everything is read that much later; set this machine's clock", -off)
	}
	return f
}
