package webhook

const description = "A request is a POST (or PUT) to `listen` and `path`, plain or with `Content-Encoding: gzip`. Its body is a JSON object, a list of objects, " +
	"objects one after the other (JSON Lines), an object with the list at `records`, or an Avro object container file.\n\n" +
	"The answer to a request that was taken is status 200 and\n\n" +
	"    {\"records\":500,\"accepted\":498,\"left_out\":1,\"refused\":[{\"record\":3,\"reason\":\"expression\",\"detail\":\"...\"}]}\n\n" +
	"with the first 100 refused records. Other answers are 400 (not JSON or Avro; nothing or, of Avro, not all was taken), 401 (secret missing or wrong), " +
	"404, 405, 413 (too large, too many records), 415 (encoding), 429 (more requests than `max_requests_per_second`) and 503 (the log is away, or too much at a time); " +
	"with 429 and 503 comes `Retry-After`. A request that got no answer, 429 or 503 is to be sent again.\n\n" +
	"`auth.hmac` with `timestamp_header` takes a signed request only within `tolerance` of its time. With `signed` it fits most senders: " +
	"`signed: \"{timestamp}.{body}\"`, `signed: \"v0:{timestamp}:{body}\"`.\n\n" +
	"Several webhooks may listen at one address with different paths. Requests that arrive while the log is written are written together, so that " +
	"throughput grows with the number of senders.\n\n" +
	"Of two posts about one identity the later wins, also where a sender repeats the older one late: map a number that grows with each change to `revision` where that can happen."
