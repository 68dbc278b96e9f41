// Package pipkins is the sink for Pipkins workforce management, which takes interval statistics as files.
//
// Nothing about the layout that Pipkins reads is public, and this package claims none: it is a writer of delimited files in which
// columns, order, delimiter, quotes, header, patterns of date and time, zone, decimals, line ends, encoding, file names and the way
// there are options, to be set as the site's import is. By default it writes the three sets of records that interval feeds
// have in common (queues, agents by queue, agents' logins) as CSV with a header, in UTC and whole seconds.
//
// A file has all rows of one interval (or day) of one set, full totals, so that importing it again replaces what was there. A correction
// writes the whole file anew, for which the sink remembers in its state folder what every file holds. The file appears
// under its name when it is whole. It can be read back from folders and SFTP servers, and from an HTTPS address that has
// a path for it; what an import has taken away cannot.
//
// State: some hundred bytes for each row, for keep, or the pipeline's retention and a week. Nothing corrects a day after that, and its rows are
// refused from then on as too_old, because a file with one row would take the others back. Limits: all workers that deliver must
// share the state folder, and its file system must have locks; in the hour that a zone repeats in autumn two intervals have
// one local time, and the rows of the second are refused as repeated_hour: use UTC or a pattern with the offset.
package pipkins
