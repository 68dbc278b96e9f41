// Package calabrio simulates Calabrio WFM as far as interval statistics and agent states are delivered to it.
//
//	POST /historical-data/api/v1/{queues,agent-queues,agents}  records of the historical-data API
//	POST /TeleoptiWFM/RTA/TeleoptiRtaService.svc               the SOAP service for real-time adherence
//
// The names of the historical resources are an invention, as are the status codes and bodies of its refusals: the vendor does not publish
// them. A request is taken as a whole or not at all, unless Options.Partly. It wants the tenant key as bearer token and the data source key as
// parameter; it refuses empty ids and names, those of more than 100 characters, negative numbers, starts off the grid, and records that a
// request has twice. Records replace what was there by their key. It never answers 429.
//
// The adherence service reads elements in the order of its contract. It logs out whom a snapshot does not name, and answers -100 where a batch
// has a user that it does not know, all others of which it takes.
//
// ReadLogServer and ReadQueueImport read folders as Calabrio's importers do.
package calabrio
