package pipkins

import (
	"time"

	"golang.org/x/crypto/ssh"
)

// Options are what a site agreed upon.
type Options struct {
	Sets      map[string]Set // by the name that a file's name begins with
	Delimiter string         // "," if empty
	NoHeader  bool
	LineEnd   string         // "\r\n" if empty
	Time      string         // layout of the time column; RFC 3339 if empty
	Zone      *time.Location // UTC if nil
	Interval  time.Duration  // 15 minutes if 0
	Day       bool           // a file has a day
	Latin     bool           // windows-1252 instead of UTF-8

	Username, Password string        // of SFTP, and of HTTPS by Basic
	UserKey            ssh.PublicKey // that SFTP takes besides the password
	Field              string        // of the form that HTTPS takes; empty: the body is the file
	Keeps              bool          // files stay where they were put, and can be read there; otherwise they are taken away when they are read
	NoPosixRename      bool          // the SFTP server does not replace a file by a rename
	// Unknown are queues and agents that the site does not know: a file with one is refused over HTTPS.
	Unknown []string
}

// Set is one kind of file.
type Set struct {
	Columns []string
	Time    string   // the column with the interval's start
	Key     []string // the columns that tell the rows of one interval apart
	Texts   []string // the columns that are text; the others are numbers of at least 0
	Empty   []string // the numbers that may be empty
}

// Standard are the sets of the usual columns.
func Standard() map[string]Set {
	const start = "intervalStartDateTime"
	return map[string]Set{
		"queue": {
			Columns: []string{start, "queueId", "queueName", "offeredContacts", "answeredContacts", "contactTime"}, Time: start,
			Key: []string{"queueId"}, Texts: []string{"queueId", "queueName"},
		},
		"agentqueue": {
			Columns: []string{start, "queueId", "queueName", "agentId", "agentName", "contactTime", "answeredContacts", "completedContacts"}, Time: start,
			Key: []string{"agentId", "queueId"}, Texts: []string{"queueId", "queueName", "agentId", "agentName"}, Empty: []string{"completedContacts"},
		},
		"agent": {
			Columns: []string{start, "agentId", "agentName", "loginTime", "directOutContacts"}, Time: start,
			Key: []string{"agentId"}, Texts: []string{"agentId", "agentName"},
		},
	}
}

func (o *Options) complete() {
	if o.Sets == nil {
		o.Sets = Standard()
	}
	if o.Delimiter == "" {
		o.Delimiter = ","
	}
	if o.LineEnd == "" {
		o.LineEnd = "\r\n"
	}
	if o.Time == "" {
		o.Time = time.RFC3339
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Interval == 0 {
		o.Interval = 15 * time.Minute
	}
}
