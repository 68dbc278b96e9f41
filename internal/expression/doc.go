// Package expression compiles the expressions of pipeline files: the language of expr-lang.org with the functions that
// contact-centre exports need (clock times in a time zone, durations, midnight), with absent values, and with errors that say where.
//
// Types are text, whole numbers, numbers, true/false, instants (milliseconds, UTC) and durations (milliseconds). A value may
// be absent: arithmetic, concatenation and functions of an absent value are absent, comparisons with it are false (except == and
// != nil), and an absent condition is false.
//
// Functions beside those of expr-lang (now() excepted, as a fact must not depend on when it is read):
//
//	time(text[, layout])   an instant; without a layout ISO dates and times: 2026-01-31 07:02:47, 20260131T070247Z, 260131 7:02
//	date(text[, layout])   the start of the local day
//	after(t, earlier)      t on the next day, where it seems more than 12 hours before earlier: clock times past midnight
//	unix(s), unix_ms(ms)   an instant from a number
//	duration(text)         "0:01:10", "70s", "70" and 70 (seconds)
//	seconds(n), millis(n)  a duration from a number, or from text that is one
//
// A time without an offset is local to the component's zone. One that a clock change repeats is the first of the two; one that it skips is
// moved forward by what was skipped, so 02:30 becomes 03:30. Two-digit years from 69 on are of the last century.
//
// The common part of the language runs as compiled closures over columns bound by index: no map, no reflection and no
// allocation per evaluation. What is left of it (closures over lists, regular expressions, ...) runs in expr-lang's own machine.
package expression
