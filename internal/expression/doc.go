// Package expression compiles the expressions of pipeline files: the language of expr-lang.org with the functions that
// contact-centre exports need (clock times in a time zone, durations, midnight), with absent values, and with errors that say where.
//
// Types are text, whole numbers, numbers, true/false, instants (milliseconds, UTC) and durations (milliseconds). A value may
// be absent: arithmetic, concatenation and functions of an absent value are absent, comparisons with it are false (except == and
// != nil), and an absent condition is false.
//
// The common part of the language runs as compiled closures over columns bound by index: no map, no reflection and no
// allocation per evaluation. What is left of it (closures over lists, regular expressions, ...) runs in expr-lang's own machine.
package expression
