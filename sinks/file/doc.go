// Package file is the sink for lakes and analysts: files of CSV, JSON Lines or Parquet, one for each kind of record and day.
//
// A file holds exactly the newest revision of each row of its day, in the order of time and key. It is the state, too: a write reads
// it, merges what is new into it, and puts the whole in its place at once, so that a reader sees the file as it was before or after,
// never half of it. Nothing is kept in memory between writes, nobody else's change is overlooked, and a file that cannot be
// read as one of ours is left as it is.
//
// Guarantees: a crash at any moment leaves whole files; several workers may write into one folder, also from several machines
// where its file system has locks. Limits: a correction writes the day's file
// anew, so that requests are better large and few, and a small one waits four times as long as the last one took; a
// contact or state whose time is corrected by more than a day leaves its old row behind; Linux and macOS only.
package file
