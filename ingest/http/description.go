package http

const description = "Each stream makes one request for a window of time, follows its pages, and maps the records to facts with the expressions of the " +
	"[file](#file) source.\n\n" +
	"Placeholders stand in `path`, `query`, `headers` and `body`: `{from}` and `{to}`, the window (half-open); `{now}`; `{page}`, `{offset}`, `{size}` and `{cursor}` of " +
	"`paging`. Times are written as `time_format` says, or as the placeholder does: `{from:unix}`, `{to:2006-01-02}`, `{from:%Y-%m-%dT%H:%M}`. Values are escaped for where they " +
	"stand. A stream without `{from}` and `{to}` reads all there is each time, as a list of users.\n\n" +
	"Windows begin `overlap` before what is complete; records handed over before are not written again, and those that changed replace the old ones. With `replaces: true` " +
	"a record that the window no longer holds is withdrawn: by `offered_at`, `started_at` or `starts_at`, which must then be what the API selects by. The source is complete " +
	"for a kind of fact up to `lag` before the last read of every stream that gives it, so that intervals can become final.\n\n" +
	"`auth.type: oauth2` is the client credentials grant; `token_path`, `expires_path`, `id_field` and `secret_field` fit it to token endpoints that name things otherwise. A token is " +
	"renewed before it expires, and after a 401 once; a credential refused then is not used again until it changes or `quarterhour sources reset --unlock` is said.\n\n" +
	"An answer of status 200 that is an error is told by `error_path`; an HTML page is one always. What the API asks for with `Retry-After` is kept; without it, pauses grow."
