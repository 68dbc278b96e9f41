package file

import (
	_ "embed"
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/rows"
	"github.com/quarterhour/quarterhour/internal/spec"
)

// Options are what a pipeline file says about a file source.
type Options struct {
	Path string `cfg:"path,required" help:"file, glob such as exports/*.csv.gz, or - for standard input"`
	rows.Options
	Format      string         `cfg:"format" default:"auto" enum:"auto|csv|tsv|jsonl|avro" help:"auto: by the file's name, else by its content"`
	Compression string         `cfg:"compression" default:"auto" enum:"auto|none|gzip|zstd" help:"auto: by the file's content"`
	Zone        *time.Location `cfg:"timezone" help:"IANA time zone of times without an offset; the pipeline's if left out"`
	Delimiter   string         `cfg:"delimiter" help:"one character between columns; a comma in csv, a tab in tsv if left out"`
	Quotes      bool           `cfg:"quotes" default:"true" help:"whether values may stand in double quotes (csv and tsv)"`
	Header      bool           `cfg:"header" default:"true" help:"whether the first line names the columns (csv and tsv)"`
	Columns     []string       `cfg:"columns" help:"names of the columns, where there is no header or it is no good"`
	NullValues  []string       `cfg:"null_values" help:"texts that mean absent; an empty value always does"`
	OnError     string         `cfg:"on_error" default:"dead_letter" enum:"dead_letter|stop" help:"what to do with a row that cannot be used"`
	Complete    string         `cfg:"complete" default:"day" help:"what reading everything promises: day (complete through the day of the last row), last (through the last row), none, or a time"`
	Lateness    time.Duration  `cfg:"lateness" default:"1h" help:"while files are followed: how much later than its time a row may be written"`
	Every       time.Duration  `cfg:"every" default:"10s" help:"while files are followed: time between two looks for new files and rows"`
}

//go:embed sample.yaml
var sample string

// Registration declares the file source.
var Registration = ingest.Registration{
	Component: spec.Component{
		Kind:        spec.Ingest,
		Type:        "file",
		Summary:     "rows of CSV, TSV, JSON Lines or Avro files, mapped to facts by expressions",
		Description: description,
		Guarantee: "Every row becomes a fact, is left out by where, or is dead-lettered with file, line and reason. Files are read once, also across " +
			"restarts; appended rows are read from where the last run stopped.",
		Example: sample,
		New:     func() any { return new(Options) },
	},
	Facts: func(options any) []string { return options.(*Options).Options.Facts() },
	Open: func(options any, d ingest.Deps) (ingest.Source, error) {
		return open(options.(*Options), d)
	},
	Check: check,
}

// Validate checks what the types of the options do not say.
func (o *Options) Validate(problem func(path, message string)) {
	if o.Path != stdin {
		if _, err := filepath.Match(o.Path, ""); err != nil {
			problem("path", fmt.Sprintf("is %q, not a path or a glob: close the bracket, or put \\ before it", o.Path))
		}
	}
	if o.Delimiter != "" && (utf8.RuneCountInString(o.Delimiter) != 1 || len(o.Delimiter) != 1 || strings.ContainsAny(o.Delimiter, "\"\r\n")) {
		problem("delimiter", fmt.Sprintf("is %q, not one ASCII character such as \";\"", o.Delimiter))
	}
	if !o.Header && len(o.Columns) == 0 && o.Format != "jsonl" && o.Format != "avro" {
		problem("header", "is false: name the columns in columns")
	}
	if o.Every < 100*time.Millisecond {
		problem("every", fmt.Sprintf("is %s: at least 100ms", o.Every))
	}
	if o.Lateness < 0 {
		problem("lateness", fmt.Sprintf("is %s: not negative", o.Lateness))
	}
	if _, _, err := parseComplete(o.Complete, time.UTC); err != nil {
		problem("complete", err.Error())
	}
	o.ValidateRows(o.Columns, "", problem)
}
