package sqs

import "time"

// Encode is encode, for tests from outside.
var Encode = encode

// Hurry makes workers look around all the time, so that tests wait for events and not for them. What is hidden is hidden for longer all the
// time, too, and long before anybody else could see it.
func Hurry() {
	pace = tempo{turn: 2 * time.Millisecond, look: 50 * time.Millisecond, poll: 100 * time.Millisecond, last: 40 * time.Millisecond, extend: 200 * time.Millisecond, share: 0.999}
}
