// Package file is the sink for lakes and analysts: files of CSV, JSON Lines or Parquet, one for each kind of record and day.
//
// A file holds exactly the newest revision of each row of its day, in the order of time and key. It is the state, too: a write merges
// what is new into it, and puts the whole in its place at once, so that a reader sees the file as it was before or after, never half of it.
// Nobody else's change is overlooked, and a file that cannot be read as one of ours is left as it is.
//
// What a write costs follows from what is new. Of each file that was written lately the sink knows where its parts stand, of 2,048 lines or
// one Parquet row group each: it reads those that a new row belongs into, and copies the bytes of the others. What it knows holds for the very file
// that it has seen, by its number, size and time; any other is read from its beginning to its end. A request has what is due in all
// partitions of the log, so that a day that is caught up with is written few times.
//
// Guarantees: a crash at any moment leaves whole files; several workers may write into one folder, also from several machines
// where its file system has locks. Limits: several workers that take turns at one file read it whole each time; a request that can still grow waits
// four times as long as the last one took; a contact or state whose time is corrected by more than a day leaves its old row behind; Linux
// and macOS only.
package file
