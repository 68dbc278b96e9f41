// Package sourcetest is the one suite that every source must pass. A source is given as a user would write it, in YAML, beside a vendor
// that answers over HTTP; the suite puts faults between the two, kills the source between any two of its commits, and asks:
//
//   - that it reads the same, however often it is stopped and started, and whatever of the vendor's answers is lost on the way;
//   - that every fact has an identity, and what follows from one read never contradicts the marks before it;
//   - that marks never go back, and promise nothing that has not been handed over;
//   - that it ends soon when it is told to, also while the vendor says nothing;
//   - that no secret appears in the log, in errors, in dead letters or in the cursor.
//
// A test is a few lines:
//
//	sourcetest.Run(t, sourcetest.Case{
//		Registration: five9.Registration, YAML: "host: ${URL}\npassword: hunter2\n", Secrets: []string{"hunter2"},
//		Now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
//		Vendor: func(t *testing.T, w clock.Watch) http.Handler { return five9sim.New(...) },
//	})
package sourcetest
