package http

const description = `
Sends records to any API, batched to what it takes. Paths, headers and bodies are templates: ` + "`{{expression}}`" + ` over the
fields of the record, besides which there are ` + "`key`" + `, the record's name, and ` + "`revision`" + `, which grows with each correction of it.
` + "`Idempotency-Key: '{{key}}-{{revision}}'`" + ` makes a request for each record, since its value differs.

- ` + "`fields`" + ` are names and expressions. In JSON numbers, texts, true and false, and null stay what they are; durations are numbers
  as ` + "`durations`" + ` says, instants as ` + "`times`" + ` says. Write 0/1 as ` + "`final ? 1 : 0`" + `.
- ` + "`body`" + ` is a template of one record in JSON or XML. A placeholder outside of quotes is a JSON value, one within is escaped text.
- The list of records is put into ` + "`envelope`" + ` or ` + "`xml`" + `.
- ` + "`answer`" + ` says which statuses mean that the records were taken, where an answer of success says that it failed, and where
  it names those that it refused: only these become dead letters.
- A redirect, 404, 405, 410 or 415 says that url, path or method are wrong: all records wait, and none becomes a dead letter. Of a path with
  ` + "`{{expressions}}`" + ` a 404 or 410 refuses the records of the request.

Records are totals: the destination must replace what it has by the record's own fields.

| preset | what it sets, as the vendor has published it | what is left to you |
| --- | --- | --- |
| eleveo | CSV in UTF-8 with commas, at most 2 MB, instants as 2026-03-02T09:00:00Z, rows of zeros for quiet intervals | url, names and order of the columns; at least 15 days, which a rebuild sends |
| genesys | members offered, answered, abandoned, average_talk_time_seconds, average_after_call_work_seconds, average_speed_of_answer_seconds and service_level_percent of the queue's history | url, members for queue and interval, completed if wanted, envelope; averages are over the contacts answered in the interval |

Other vendors' interfaces are not public enough for a preset; most need a path and names only.
`
