package sqs

import (
	_ "embed"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Config is what a pipeline file may say.
type Config struct {
	Queue     string        `cfg:"queue,required" help:"name or URL of the queue, which has to exist; one whose name ends in .fifo is a FIFO queue"`
	Region    string        `cfg:"region" help:"AWS region; left out: as AWS_REGION or the shared configuration say, or the queue's URL"`
	Endpoint  string        `cfg:"endpoint" help:"address of the service, for VPC endpoints and servers that speak its protocol; left out: the region's"`
	AccessKey string        `cfg:"access_key_id" help:"AWS access key; left out: credentials are found as AWS programs do (environment, shared files, role of the container or machine)"`
	SecretKey string        `cfg:"secret_access_key,secret" help:"its secret"`
	Token     string        `cfg:"session_token,secret" help:"session token, where the key is a temporary one"`
	Group     string        `cfg:"group" default:"tenant" enum:"tenant|agent|queue" help:"what is in order in a FIFO queue, and waits for each other: all; the records of an agent (or of a queue, where they have no agent); the records of a queue (or of an agent)"`
	MaxBytes  int           `cfg:"max_bytes" default:"262144" help:"bytes of a message, and of the messages of one request; up to 1048576 where the queue's maximum message size is set so"`
	Timeout   time.Duration `cfg:"timeout" default:"30s" help:"how long an answer may take"`
	Inbox     Reading       `cfg:"inbox" help:"how the queue is read, where other sinks of the pipeline say via"`
	delivery.Options
}

// Reading says how the queue is read.
type Reading struct {
	Visibility time.Duration `cfg:"visibility" default:"2m" help:"how long a message that was read is hidden from others; extended until it is posted, for up to 12 hours"`
	Again      time.Duration `cfg:"again" default:"30s" help:"how long a message that the destination refused is hidden before it is tried again, as often as the queue's maxReceiveCount, or the destination's attempts where the queue has none"`
	Held       int           `cfg:"held" default:"0" help:"messages that are read and not yet posted, at most; 0: two requests of the destination for each that may be under way, 20 to 1000"`
}

//go:embed sample.yaml
var sample string

// Registration declares the sink.
var Registration = sinks.Registration{
	Component: spec.Component{
		Kind: spec.Sink, Type: "sqs",
		Summary:     "an Amazon SQS queue, standard or FIFO, and a worker that posts from it to another sink",
		Description: description,
		Guarantee: "Every record that is wanted is in the queue at its newest revision, and is marked delivered once SQS has said so. " +
			"A sink that says `via` ends with the newest revision of every record, whatever the queue delivers twice or out of order; " +
			"a message is deleted after what became of it is written down.",
		Example: sample,
		New:     func() any { return new(Config) },
	},
	Kinds:   func(options any) []string { return options.(*Config).kinds() },
	Offers:  func(any) []string { return kinds },
	Deliver: deliver,
	Inbox:   openInbox,
}

const description = `
Sends rows to a queue, and contacts, agent states and workers where ` + "`kinds`" + ` names them. A message is a JSON object with
` + "`schema`, `kind`, `tenant`, `pipeline`, `key`, `revision`, `final`, `zero`, `start_ms`, `seconds` and `record`" + `, which has the fields of
the kind's schema; kind, tenant, pipeline, final, schema and revision are message attributes too, to route by. The greatest revision of a key
replaces all others.

A sink of any type that says ` + "`via: NAME`" + ` posts from the queue of the sink NAME instead of from the log: a failed post stays in the queue, where
its age and count can be watched, and after ` + "`maxReceiveCount`" + ` goes to the dead-letter queue of the queue's redrive policy. It is a dead letter of ours
then, too: ` + "`quarterhour deadletters`" + ` lists it, and sends it through the queue again. Where the queue has no redrive policy, the destination's
` + "`attempts`" + ` say when. While the
destination is away the worker keeps what it has and reads no more, so that an outage moves nothing there. What the queue's sink says about
` + "`when`, `delay`, `zero_rows` and `kinds`" + ` holds for the other too.

Queues are not created. The right to SendMessage is needed, and for ` + "`via`" + ` ReceiveMessage, DeleteMessage, ChangeMessageVisibility
and GetQueueAttributes; for a queue by name GetQueueUrl.
`

func (c *Config) kinds() []string {
	if len(c.Kinds) == 0 {
		return rowKinds
	}
	return slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return !slices.Contains(c.Kinds, k) })
}

// fifo says whether the queue is a FIFO queue, which its name has to tell.
func (c *Config) fifo() bool { return strings.HasSuffix(c.Queue, ".fifo") }

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$|^[A-Za-z0-9_-]{1,75}\.fifo$`)

const (
	leastBytes = 1024
	mostBytes  = 1 << 20
	longest    = 12 * time.Hour // that a message can be hidden
)

// Validate checks what the types of the options do not say.
func (c *Config) Validate(problem func(path, message string)) {
	name := c.Queue
	if strings.Contains(name, "/") {
		u, err := url.Parse(name)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			problem("queue", fmt.Sprintf("is %q, neither a name nor an address such as https://sqs.eu-central-1.amazonaws.com/123456789012/wfm", name))
			return
		}
		name = u.Path[strings.LastIndexByte(u.Path, '/')+1:]
	}
	if !queueName.MatchString(name) {
		problem("queue", fmt.Sprintf("is %q, not up to 80 letters, digits, - and _, with .fifo at the end of a FIFO queue", name))
	}
	if (c.AccessKey == "") != (c.SecretKey == "") {
		problem("access_key_id", "and secret_access_key belong together: give both or none")
	}
	if u, err := url.Parse(c.Endpoint); c.Endpoint != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		problem("endpoint", fmt.Sprintf("is %q, not an address such as https://sqs.eu-central-1.amazonaws.com", c.Endpoint))
	}
	if c.MaxBytes < leastBytes || c.MaxBytes > mostBytes {
		problem("max_bytes", fmt.Sprintf("is %d, not between %d and %d", c.MaxBytes, leastBytes, mostBytes))
	}
	if c.Via != "" {
		problem("via", "is for the sink that posts from this queue: a queue does not read another")
	}
	c.Inbox.validate(func(path, message string) { problem("inbox."+path, message) })
	if c.Timeout < time.Second {
		problem("timeout", "must be at least 1s")
	}
}

func (r *Reading) validate(problem func(path, message string)) {
	if r.Visibility < 3*time.Second || r.Visibility > longest || r.Visibility%time.Second != 0 {
		problem("visibility", fmt.Sprintf("is %s, not whole seconds between 3s and 12h", r.Visibility))
	}
	if r.Again < 0 || r.Again > longest || r.Again%time.Second != 0 {
		problem("again", fmt.Sprintf("is %s, not whole seconds between 0s and 12h", r.Again))
	}
	if r.Held < 0 {
		problem("held", "is negative: write 0 for as many as the destination's requests want")
	}
}
