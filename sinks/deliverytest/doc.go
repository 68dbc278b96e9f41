// Package deliverytest is the one suite that every delivering sink must pass. A sink is given as a user would write it, in YAML, beside a
// simulated destination; the suite drives it with the engine that a run uses, lets something happen between the two, and asks
// after each that the destination holds exactly the newest revision of every row. It asks too:
//
//   - that what was acknowledged and written down is not sent again, and what was not is;
//   - that one record that the destination does not take holds up no other, and becomes a dead letter;
//   - that a destination that is away, or asks to be left alone, is left alone;
//   - that a request ends soon when it is told to, also while the destination says nothing;
//   - that no secret appears in the log, in deliveries or in dead letters.
//
// What may happen is the list of scenarios in matrix.go. Every sink goes through all of them: where one cannot be for a sink, as a 429 for
// files, its case says why in Cannot, and the suite fails where nothing is said, or where the scenario could be. A new scenario is a line of that
// list, and every sink has it.
//
// One of them is kill -9: the test's own binary is started again as a process that delivers to the same destination, and is killed by SIGKILL
// before, within and after a request, while the destination has it, and when its answer is written down; then another goes on from the
// deliveries and commits that it left in a file.
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
