// Package reference writes the reference pages of docs/reference from what components, measures, pipeline files, the
// configuration and the commands declare. A test fails where the pages in the tree are not what it writes.
package reference

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/config"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/transform"
)

// mark is the first line of every page.
const mark = "<!-- Written by `make generate` from the declarations in the code: change those. -->\n\n"

// Pages are the pages by file name.
func Pages() map[string]string {
	pages := map[string]string{
		"README.md":        index(),
		"pipeline-file.md": pipelineFile(),
		"ingest.md": components(spec.Ingest, "Sources", "A source is named in a pipeline's `ingest` section; `type` says which of these it is, and the other keys\n"+
			"are its options."),
		"transform.md": components(spec.Transform, "Stages", "The `transform` section is a list of stages, which facts pass in order. Its last stage is `intervals`."),
		"sinks.md": components(spec.Sink, "Sinks", "A sink is named in a pipeline's `sinks` section; `type` says which of these it is, and the other keys are its\n"+
			"options."),
		"measures.md":      measures(),
		"configuration.md": configuration(),
		"command-line.md":  commandLine(),
	}
	for name, text := range pages {
		pages[name] = mark + strings.TrimRight(text, "\n") + "\n"
	}
	return pages
}

func index() string {
	var b strings.Builder
	b.WriteString("# Reference\n\n" +
		"| page | what it lists |\n| --- | --- |\n" +
		"| [command line](command-line.md) | every command, its flags and exit codes |\n" +
		"| [configuration](configuration.md) | where the system runs: data folder, Kafka, ClickHouse |\n" +
		"| [pipeline file](pipeline-file.md) | the keys of a pipeline file |\n" +
		"| [sources](ingest.md) | " + list(spec.Ingest, "ingest.md") + " |\n" +
		"| [stages](transform.md) | " + list(spec.Transform, "transform.md") + " |\n" +
		"| [sinks](sinks.md) | " + list(spec.Sink, "sinks.md") + " |\n" +
		"| [measures](measures.md) | the columns of the interval tables, and what each means |\n")
	return b.String()
}

func list(kind spec.Kind, page string) string {
	var links []string
	for _, word := range pipelines.Types(kind) {
		links = append(links, fmt.Sprintf("[`%s`](%s#%s)", word, page, word))
	}
	return strings.Join(links, ", ")
}

func components(kind spec.Kind, title, intro string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n", title, intro)
	for _, c := range pipelines.Components(kind) {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", c.Type, spec.Sentence(c.Summary))
		if c.Description != "" {
			fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(c.Description))
		}
		if c.Guarantee != "" {
			fmt.Fprintf(&b, "\n**Guarantee.** %s\n", spec.Sentence(c.Guarantee))
		}
		if fields := spec.Flatten(spec.Fields(c)); len(fields) > 0 {
			b.WriteString("\n" + options(fields))
		}
		if c.Example != "" {
			fmt.Fprintf(&b, "\n```yaml\n%s\n```\n", pipelines.Example(c))
		}
	}
	return b.String()
}

func options(fields []spec.Field) string {
	var b strings.Builder
	b.WriteString("| option | type | default | what it is |\n| --- | --- | --- | --- |\n")
	for _, f := range fields {
		standard := f.DefaultText()
		if standard != "" && !f.Required {
			standard = "`" + standard + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, cell(f.TypeText()), cell(standard), cell(spec.Sentence(f.Help)))
	}
	return b.String()
}

func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", `\|`), "\n", " ")
}

func measures() string {
	var b strings.Builder
	b.WriteString("# Measures\n\nThe columns of the interval tables. A measure is assigned to intervals by a rule: the instant it is counted at, `split`\n" +
		"over the span in which it happened, or `to_interval_end`. The option `profile` of the stage [`intervals`](transform.md#intervals)\n" +
		"chooses the rules of a column below; the option `attribution` may set another where one is listed, in all tables, or in one, as\n" +
		"`agent_queue.answered`. A day adds up alike whatever the rules, but for\n" +
		"`to_interval_end`. Times are whole milliseconds.\n")
	for _, table := range []struct{ row, title string }{
		{"queue", "queue_intervals"}, {"agent_queue", "agent_queue_intervals"}, {"agent", "agent_intervals"},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n| measure | unit |", table.title)
		for _, profile := range transform.Profiles {
			fmt.Fprintf(&b, " `%s` |", profile)
		}
		b.WriteString(" may be set to | meaning | reads |\n| --- | --- |" + strings.Repeat(" --- |", len(transform.Profiles)) + " --- | --- | --- |\n")
		for n, m := range transform.Measures() {
			if !slices.Contains(m.Rows, table.row) {
				continue
			}
			fmt.Fprintf(&b, "| `%s` | %s |", m.Name, m.Unit)
			meaning := m.Meaning
			for _, profile := range transform.Profiles {
				of := transform.MeasuresOf(profile)[n]
				fmt.Fprintf(&b, " %s |", of.Rule)
				if of.Meaning != m.Meaning {
					meaning += fmt.Sprintf(" With %s: %s", profile, of.Meaning)
				}
			}
			fmt.Fprintf(&b, " %s | %s | %s |\n", others(m), cell(meaning), code(m.Reads))
		}
	}
	b.WriteString("\n## How other systems count\n\nThe practice of these systems in general: versions and settings differ, so that the vendor's own manual decides.\n\n" +
		"| measure | elsewhere, and what goes wrong |\n| --- | --- |\n")
	seen := map[string]bool{}
	for _, m := range transform.Measures() {
		if m.Elsewhere != "" && !seen[m.Name] {
			fmt.Fprintf(&b, "| `%s` | %s |\n", m.Name, cell(m.Elsewhere))
		}
		seen[m.Name] = true
	}
	return b.String()
}

func others(m transform.Measure) string {
	var words []string
	for _, r := range m.Rules {
		if r != m.Rule {
			words = append(words, r.String())
		}
	}
	return strings.Join(words, ", ")
}

func code(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return "`" + strings.Join(words, "`, `") + "`"
}

func pipelineFile() string {
	return "# Pipeline file\n\n" +
		"A pipeline file is one YAML document. `${NAME}` stands for an environment variable, `${NAME:-default}` for one that may be\n" +
		"unset, `${file:/path}` for the content of a file, and `$${` for the characters `${`. `quarterhour validate` reports every\n" +
		"problem of a file at once, with its line.\n\n" +
		options(spec.Flatten(spec.FieldsOf(new(pipelines.Settings)))) +
		"| `ingest` | [sources](ingest.md) by name | required | Where facts come from. |\n" +
		"| `transform` | list of [stages](transform.md) | required | What is made of the facts. |\n" +
		"| `sinks` | [sinks](sinks.md) by name | required | Where rows go. |\n" +
		"| `tests` | list of cases, or paths |  | The pipeline's own [test cases](../testing.md), which `quarterhour test` runs. |\n" +
		"\nDurations are written as `90s`, `15m`, `1h30m` or `35d`.\n\n```yaml\n" + sample + "```\n"
}

// sample is a whole pipeline file, which a test reads.
const sample = `pipeline: acme-voice
tenant: acme
timezone: Europe/Berlin
interval: 15m
ingest:
  calls:
    type: file
    path: ${CALLS:-data/calls.csv}
    as: contact
    fields: {interaction_id: call_id, queue_id: queue, channel: '"voice"', direction: '"inbound"', offered_at: queued_at,
      answered_at: answered_at, ended_at: ended_at, agent_id: agent}
transform:
  - filter: 'queue_id != "test"'
  - set: {queue_id: lower(queue_id)}
  - intervals: {profile: acd, service_level: 20s, late: revise}
sinks:
  warehouse: {type: clickhouse}
`

func configuration() string {
	var b strings.Builder
	b.WriteString("# Configuration\n\nWhere the system runs. Without a configuration, Kafka, its schema registry and ClickHouse's engine all run inside the process.\n" +
		"An option is set in the file that `--config` (or `$QUARTERHOUR_CONFIG`) names, in the environment, or by a flag; the later\n" +
		"wins. `kafka.sasl.username` is `QUARTERHOUR_KAFKA_SASL_USERNAME` in the environment and `--kafka-sasl-username` as a flag.\n" +
		"Secrets have no flag.\n\n")
	b.WriteString(options(spec.Flatten(spec.FieldsOf(new(config.System)))))
	return b.String()
}
