// Package crashtest kills the program at every point of package crash, starts it again, and asks that nothing of it shows: the
// tables, the facts and the dead letters are those of a run that nothing disturbed, and those of the simulated day.
package crashtest
