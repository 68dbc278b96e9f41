package file

const description = "Times are read with `time(text)` or `time(text, layout)`, layouts as Go writes them (`2006-01-02 15:04:05`). A time that a clock " +
	"change repeats is the first of the two; one that it skips is moved forward by what was skipped. `after(t, earlier)` moves a clock time that " +
	"passed midnight to the next day. `duration(\"0:01:10\")`, `seconds(70)`, `millis(70000)` give durations; `unix(s)` and `unix_ms(ms)` instants. A column " +
	"whose name is no identifier is `row[\"vru+line\"]`; nested JSON is `a.b`. What is computed from an absent value is absent; a comparison with one is false.\n\n" +
	"When everything has been read, the source promises that it is complete, so that intervals can become final. With `complete: day` and " +
	"`run --drain` that is through the end of the local day of the latest row (by `offered_at`, `started_at` or `starts_at`). While files are followed, it is `lateness` before " +
	"the latest row, whether `day` or `last`. Rows that come later than promised are corrections.\n\n" +
	"Changing the mapping reads all files again. Facts already there keep the greater content at equal revision: give the mapping a greater " +
	"`revision` where the new content must win.\n\n" +
	"A row `as: shift` is a stretch of an agent's schedule: `activity` is empty for work, and otherwise names a break, a training or whatever is not " +
	"work; map the kinds of work of your schedule to the empty one. Without a `shift_id`, shifts of one agent are told apart by start and activity."
