package calabrio

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Options are what a pipeline file says about a Calabrio sink: one of the sections is the door.
type Options struct {
	Historical  *Historical  `cfg:"historical" help:"interval statistics by the historical-data API"`
	Adherence   *Adherence   `cfg:"adherence" help:"agent states by the SOAP service for real-time adherence"`
	LogServer   *LogServer   `cfg:"logserver" help:"interval statistics as three files per interval, as the generic LogServer reads them"`
	QueueImport *QueueImport `cfg:"queue_import" help:"queue statistics as files of 21 fields, for the import of queue data"`
	delivery.Options
}

// Historical is the door of the same name.
type Historical struct {
	URL           string              `cfg:"url,required" help:"base address, such as https://acme.teleopticloud.com/historical-data/api/v1"`
	TenantKey     string              `cfg:"tenant_key,required,secret" help:"tenant key from Calabrio, sent as bearer token; a personal access token is another thing"`
	DataSourceKey string              `cfg:"data_source_key,required,secret" help:"data source key from Calabrio"`
	KeyIn         string              `cfg:"key_in" default:"query" enum:"query|header|body" help:"where the data source key travels; body: beside the records, which needs an envelope"`
	KeyName       string              `cfg:"key_name" default:"dataSourceKey" help:"what it is called there"`
	Envelope      string              `cfg:"envelope" help:"member of a JSON object that holds the records; left out: the body is the list"`
	Queue         *RecordSet          `cfg:"queue" help:"queue statistics; not sent if left out"`
	AgentQueue    *RecordSet          `cfg:"agent_queue" help:"statistics of agents by queue; not sent if left out"`
	Agent         *RecordSet          `cfg:"agent" help:"agents' login statistics; not sent if left out"`
	DirectQueue   string              `cfg:"direct_queue" help:"queueId of what agents handled outside of queues; left out: such records of agents by queue are not sent"`
	TooLong       string              `cfg:"too_long" default:"refuse" enum:"refuse|cut" help:"ids and names of more than 100 characters: refuse makes a dead letter, cut shortens them"`
	Interval      time.Duration       `cfg:"interval" default:"15m" help:"length of Calabrio's intervals; the pipeline's must be the same"`
	Refusals      Refusals            `cfg:"refusals" help:"how an answer names the records that were not taken, while all others were; left out: a refused request is sent again in parts"`
	Timeout       time.Duration       `cfg:"timeout" default:"60s" help:"how long an answer may take"`
	TLS           httpcall.TLSOptions `cfg:"tls" help:"certificates"`
}

// RecordSet is one of the three sets of records.
type RecordSet struct {
	Path   string     `cfg:"path,required" help:"path below url, as the tenant's own documentation page of the API names it"`
	Fields spec.Exprs `cfg:"fields" help:"expressions over the row for fields that are to have another value than the usual, or that are further ones"`
}

// Refusals are where an answer says which records were not taken. Paths are names with dots between.
type Refusals struct {
	List   string `cfg:"list" help:"path of the list; . is the answer itself"`
	Index  string `cfg:"index" default:"index" help:"path of the record's place in the request, from 0, in an entry of the list"`
	Reason string `cfg:"reason" default:"message" help:"path of the reason in an entry"`
}

// Adherence is the door of the same name.
type Adherence struct {
	URL               string              `cfg:"url,required" help:"address of the service, such as https://acme.teleopticloud.com/TeleoptiWFM/RTA/TeleoptiRtaService.svc"`
	AuthenticationKey string              `cfg:"authentication_key,required,secret" help:"authentication key of the service"`
	SourceID          string              `cfg:"source_id,required" help:"id of the data source at Calabrio"`
	PlatformTypeID    string              `cfg:"platform_type_id" default:"00000000-0000-0000-0000-000000000000" help:"GUID of the platform; the default is that of sources without one"`
	Sources           []string            `cfg:"sources" help:"sources of the pipeline whose states are sent; all if left out"`
	UserCode          string              `cfg:"user_code" default:"agent_id" help:"expression over the state: the agent's logon id, as external logons at Calabrio have it"`
	States            map[string]string   `cfg:"states" help:"state codes by state (available, on_contact, wrap, not_ready, logged_out) or by state and reason, as in not_ready/Lunch; others are sent by their own name"`
	UnknownAgents     string              `cfg:"unknown_agents" default:"refuse" enum:"refuse|ignore" help:"states of agents that Calabrio does not know: refuse makes dead letters"`
	Snapshot          *Snapshot           `cfg:"snapshot" help:"begin with the states of all agents, whereupon Calabrio logs out all others, once the file has known them for a day; left out: changes only"`
	Timeout           time.Duration       `cfg:"timeout" default:"30s" help:"how long an answer may take"`
	TLS               httpcall.TLSOptions `cfg:"tls" help:"certificates"`
}

// Snapshot says where the states of all agents are kept.
type Snapshot struct {
	File string `cfg:"file,required" help:"file that keeps the newest state of each agent; one process only may deliver then"`
}

// LogServer is the door of the same name.
type LogServer struct {
	Times
	FileDate   string        `cfg:"file_date" default:"2006-01-02" help:"pattern of the date in file names, as Go writes it"`
	Keep       time.Duration `cfg:"keep" default:"0s" help:"how long it is remembered what the files hold, for corrections; rows of days that are forgotten become dead letters; 0s: the pipeline's retention and a week more"`
	Queue      spec.Exprs    `cfg:"queue" help:"expressions for columns of the queue file that are to have another value than the usual"`
	AgentQueue spec.Exprs    `cfg:"agent_queue" help:"the same for the file of agents by queue"`
	Agent      spec.Exprs    `cfg:"agent" help:"the same for the agent file"`
}

// QueueImport is the door of the same name.
type QueueImport struct {
	Times
	Prefix    string     `cfg:"prefix" default:"queue" help:"beginning of the file names; date, time and a number make them unique"`
	Extension string     `cfg:"extension" default:"csv" enum:"csv|txt" help:"end of the file names"`
	Fields    spec.Exprs `cfg:"fields" help:"expressions for fields that are to have another value than the usual, named as columns of the LogServer queue file"`
}

// Times are what both kinds of file say about places and instants.
type Times struct {
	Dir   string         `cfg:"dir,required" help:"folder for the files; it is made where there is none"`
	State string         `cfg:"state" help:"folder for what corrections need, on the same file system as dir, which must have locks; .quarterhour within dir if left out"`
	Date  string         `cfg:"date" default:"2006-01-02" help:"pattern of dates, as Go writes it; Calabrio's depends on the installation"`
	Time  string         `cfg:"time" default:"15:04" help:"pattern of times"`
	Zone  *time.Location `cfg:"timezone" help:"IANA time zone of dates and times, as set for the data source; UTC if left out, which has no hour twice"`
}

//go:embed sample.yaml
var sample string

// Registration declares the sink.
var Registration = sinks.Registration{
	Component: spec.Component{
		Kind: spec.Sink, Type: "calabrio",
		Summary:     "interval statistics and agent states for Calabrio WFM (formerly Teleopti)",
		Description: description,
		Guarantee: "Calabrio has the newest revision of every row, as a total that replaces what was there. " +
			"A record that it does not take, or could not hold, is a dead letter that names the field. States of an agent arrive in their order.",
		Example: sample,
		New:     func() any { return new(Options) },
	},
	Kinds:   func(options any) []string { return options.(*Options).kinds() },
	Deliver: deliver,
}

const description = `
Calabrio WFM has several doors; a sink is one of them, and a pipeline may have several sinks.

- ` + "`historical`" + ` posts the three record sets of the historical-data API: queues, agents by queue, agents' logins. The names of
  the resources are to be seen on the tenant's own documentation page only, so each set has a ` + "`path`" + `. contactTime is talk
  and hold, without wrap-up. What was sent cannot be read back.
- ` + "`adherence`" + ` sends changes of agents' states to the real-time adherence service: the newest state of each agent.
- ` + "`logserver`" + ` writes three files per interval; a correction writes the interval's file anew, with all its rows.
- ` + "`queue_import`" + ` writes files of 21 fields without a header; a correction is a further file.

Calabrio knows queues by id, without channels. Where a queue has several channels, give each an id of its own, as in
` + "`fields: {queueId: 'queue_id + \"-\" + channel'}`" + `; rows that would overwrite each other are refused.
`

func (o *Options) kinds() (list []string) {
	switch {
	case o.Historical != nil:
		for kind, set := range map[string]*RecordSet{kindQueue: o.Historical.Queue, kindAgentQueue: o.Historical.AgentQueue, kindAgent: o.Historical.Agent} {
			if set != nil {
				list = append(list, kind)
			}
		}
		return ordered(list)
	case o.Adherence != nil:
		return []string{kindState}
	case o.LogServer != nil:
		return []string{kindQueue, kindAgentQueue, kindAgent}
	case o.QueueImport != nil:
		return []string{kindQueue}
	}
	return nil
}

func deliver(ctx context.Context, options any, d sinks.Deps) (sinks.Delivering, error) {
	o := options.(*Options)
	switch {
	case o.Historical != nil:
		return o.openHistorical(d)
	case o.Adherence != nil:
		return o.openAdherence(d)
	case o.LogServer != nil:
		return o.openLogServer(ctx, d)
	case o.QueueImport != nil:
		return o.openQueueImport(d)
	}
	return sinks.Delivering{}, fmt.Errorf("sink %q names no door: give one of historical, adherence, logserver, queue_import", d.Name)
}

func (t *Times) zone() *time.Location { return cmp.Or(t.Zone, time.UTC) }
