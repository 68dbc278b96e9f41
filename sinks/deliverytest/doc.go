// Package deliverytest is the one suite that every delivering sink must pass. A sink is given as a user would write it, in YAML, beside a
// simulated destination; the suite drives it with the engine that a run uses, puts faults between the two, kills the engine in the middle
// of its requests, and asks after each that the destination holds exactly the newest revision of every row. It asks too:
//
//   - that what was acknowledged and written down is not sent again, and what was not is;
//   - that one record that the destination does not take holds up no other, and becomes a dead letter;
//   - that a destination that is away, or asks to be left alone, is left alone;
//   - that a request ends soon when it is told to, also while the destination says nothing;
//   - that no secret appears in the log, in deliveries or in dead letters.
//
// Nobody waits: the watch that sink, engine and destination go by runs a thousand times as fast as the machine's. A test is a few
// lines:
//
//	deliverytest.Run(t, deliverytest.Case{
//		Registration: calabrio.Registration, YAML: "url: ${URL}\ntoken: hunter2\n", Secrets: []string{"hunter2"},
//		Destination: func(t *testing.T, s deliverytest.Setting) deliverytest.Destination {
//			sim := calabriosim.New(s.Watch, calabriosim.Options{...})
//			return deliverytest.Destination{Handler: sim, Holds: sim.Holds, Violations: sim.Violations, Shows: shows}
//		},
//	})
//
// Holds is what the destination has, by whatever it tells its records apart; Shows is how one item has to look there, by the same
// keys. Rows and facts of the suite differ in every measure from one revision to the next.
package deliverytest
