// Package pipkins simulates a site of Pipkins workforce management that imports files of interval statistics: from a folder, by SFTP, by HTTPS.
//
// Pipkins publishes no layout; Options say which one this site reads, and it reads nothing else. A file replaces the interval (or the day)
// it is about. What a file must not do is in Violations: another header, a row with more or fewer columns or with other values
// than its column has, a time off the grid or of another interval than the rest, one row twice, a name that is not as agreed, and a file
// that appears under its name before it is whole.
package pipkins
