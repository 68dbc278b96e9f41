package pipkins

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/columns"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Config is what a pipeline file may say.
type Config struct {
	Folder string `cfg:"folder" help:"folder the files are put into, local or mounted"`
	SFTP   *SFTP  `cfg:"sftp" help:"server the files are put on"`
	HTTPS  *HTTPS `cfg:"https" help:"address the files are sent to"`
	State  string `cfg:"state" help:"folder in which the sink remembers what the files hold, shared by all workers; .quarterhour within folder if left out"`

	Keep time.Duration `cfg:"keep" default:"0s" help:"how long it is remembered what the files hold, for corrections; rows of days that are forgotten become dead letters; 0s: the pipeline's retention and a week more"`

	Sets  Sets   `cfg:"sets" help:"the sets of records"`
	Files string `cfg:"files" default:"interval" enum:"interval|day" help:"whether a file has the rows of one interval or of one day in the time zone"`
	Name  string `cfg:"name" default:"{set}_{date}_{time}.csv" help:"of a file: {set}, {date}, {time} (of the interval), {sequence} (grows with each writing of the file), {tenant}, {pipeline}"`
	Dates string `cfg:"name_date" default:"20060102" help:"layout of {date} in the name, as Go writes it"`
	Times string `cfg:"name_time" default:"1504" help:"layout of {time} in the name"`

	Delimiter string `cfg:"delimiter" default:"," help:"between columns"`
	Quotes    string `cfg:"quotes" default:"needed" enum:"needed|always|never" help:"which values stand in double quotes; never: a delimiter, quote or line end in a value becomes a space"`
	Header    bool   `cfg:"header" default:"true" help:"whether the first line names the columns"`
	LineEnd   string `cfg:"line_end" default:"crlf" enum:"crlf|lf" help:"of each line"`
	Encoding  string `cfg:"encoding" default:"utf-8" enum:"utf-8|utf-8-bom|windows-1252" help:"of the files; utf-8-bom begins with a byte order mark"`
	Unknown   string `cfg:"unencodable" default:"replace" enum:"replace|refuse" help:"what becomes of a row with a character that the encoding has not: a question mark stands for it, or it is put aside as a dead letter"`
	Decimals  int    `cfg:"decimals" default:"-1" help:"digits behind the point of numbers that are not whole and of durations in minutes, rounded half to even; -1: as many as there are"`
	columns.Format
	Layouts map[string]string `cfg:"layouts" help:"layouts of instants by column, where they are not as times says: {date: 01/02/2006, time: '15:04'}"`
	delivery.Options
}

// Sets are the three of them.
type Sets struct {
	Queue      Set `cfg:"queue" help:"queues by interval"`
	AgentQueue Set `cfg:"agent_queue" help:"agents by queue and interval"`
	Agent      Set `cfg:"agent" help:"agents' logins by interval"`
}

// Set is one set of records.
type Set struct {
	Name    string     `cfg:"name" help:"{set} in the file name; queue, agentqueue or agent if left out"`
	Columns spec.Exprs `cfg:"columns" help:"columns in order, each an expression over the row"`
	Where   spec.Expr  `cfg:"where" help:"rows for which this is not true are left out of the files; of agents by queue, those without a queue if left out"`
}

//go:embed sample.yaml
var sample string

var kinds = []string{"queue_interval", "agent_queue_interval", "agent_interval"}

// Registration declares the sink.
var Registration = sinks.Registration{
	Component: spec.Component{
		Kind:    spec.Sink,
		Type:    "pipkins",
		Summary: "delimited files of interval statistics, as Pipkins' import is set up to read them",
		Description: "Writes a file for each interval (or day) of each set of records, to a folder, an SFTP server or an HTTPS address. Pipkins publishes no " +
			"layout, so that everything about the files is an option; set it as the site's import is. The defaults are those of no product: columns " +
			"named as interval feeds name them (intervalStartDateTime, queueId, queueName, offeredContacts, answeredContacts, contactTime; " +
			"agentId, agentName, completedContacts; loginTime, directOutContacts). A queue's rows of several channels are summed into one, unless a " +
			"column reads `channel`.",
		Guarantee: "A file holds all rows of its interval at their newest revision, full totals, and has its name only once it is whole. A correction replaces the file.",
		Example:   sample,
		New:       func() any { return new(Config) },
	},
	Kinds: func(options any) []string {
		if c, ok := options.(*Config); ok && len(c.Kinds) > 0 {
			return slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return !slices.Contains(c.Kinds, k) })
		}
		return kinds
	},
	Deliver: open,
}

// Validate checks what the types of the options do not say.
func (c *Config) Validate(problem func(path, message string)) {
	c.Format.Validate(problem)
	c.validateWay(problem)
	c.validateName(problem)
	if c.Delimiter == "" || strings.ContainsAny(c.Delimiter, "\"\r\n") {
		problem("delimiter", fmt.Sprintf("is %q: it has at least one character, and no quote or line end", c.Delimiter))
	}
	if c.Decimals < -1 || c.Decimals > 9 {
		problem("decimals", fmt.Sprintf("is %d: from 0 to 9, or -1", c.Decimals))
	}
	named := map[string]bool{}
	for _, kind := range kinds {
		d := defaults[kind]
		set := c.Sets.of(kind)
		for _, column := range set.columns(kind) {
			named[column.Name] = true
		}
		if _, err := newSheet(kind, c); err != nil {
			var where *expression.Error
			at := "sets." + d.option
			if errors.As(err, &where) {
				at += ".columns"
				if set.Where.Source != "" && where.At == set.Where.At {
					at = "sets." + d.option + ".where"
				}
			}
			problem(at, err.Error())
		}
	}
	for column := range c.Layouts {
		if !named[column] {
			problem("layouts."+column, fmt.Sprintf("names %q, which is no column%s", column, spec.Suggest(column, slices.Sorted(keys(named)))))
		}
	}
}

func (c *Config) validateWay(problem func(path, message string)) {
	ways := 0
	for _, given := range []bool{c.Folder != "", c.SFTP != nil, c.HTTPS != nil} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		problem("", "one of folder, sftp and https says where the files go")
	}
	if c.State == "" && c.Folder == "" {
		problem("state", "is needed with sftp and https: name a folder that all workers share")
	}
	if c.SFTP != nil {
		c.SFTP.validate(func(path, message string) { problem("sftp."+path, message) })
	}
	if c.HTTPS != nil {
		c.HTTPS.validate(func(path, message string) { problem("https."+path, message) })
	}
}
