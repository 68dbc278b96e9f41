// Package five9 reads a Five9 domain by its two SOAP services: the configuration web service for users and reports, and, where it is
// configured, the statistics web service for the present states of agents.
//
// Guarantees. Every row of a report becomes a fact, is left out by configuration, or is dead-lettered with report, row and reason; the
// stream stops where a column is missing, and where no row of a result can be used. A result that the vendor cut short (50,000
// rows as CSV, 5,000 as records, without a word) is asked for again in halves. What the vendor corrects or withdraws within revisit_back
// is corrected here. Calls of one user are made one at a time over all streams, within the budgets of the vendor's clock minute,
// hour and day, by its own counters. After a refused password no call is made until the password changes: accounts lock.
//
// Time. Reports tell clock times without offset. A window is split where clocks go back, and of the two instants that a time of the repeated
// hour may be, the one in the window is meant. That is exact for rows that the vendor selects by the time they show; a row from
// outside of its window gets the instant that is nearer to it.
//
// Identity. A leg of a call is told from others by CALL ID, TIMESTAMP, CALL TYPE, AGENT and SKILL; equal keys are numbered, and rows that are
// equal in every cell are one row. A state is told from others by agent and second, counted from the last of the second. A row
// whose key changes is another fact, and the old one is withdrawn.
//
// Marks. A call or session appears in its report when it has ended, so its stream is complete only as far back as most of them last
// (lag); longer ones are corrections.
//
// Limits. The order of rows, the spelling of states in digital channels, how an open state is shown, the texts of faults and the life of
// a report's identifier are not documented: nothing here relies on them, and what has to be chosen is an option. Rows that appear
// later than revisit_back after their time are not read.
//
// Sources: the WSDL of the configuration web service v13 and of the statistics web service v9.5, the vendor's documentation of domain
// limits, and what public clients of both have seen.
package five9
