// Package playvox is the sink for Playvox WFM (formerly Agyle Time; not Playvox Quality): agent states, contacts and work sessions, record
// by record, as soon as they are known.
//
// Known of the real one, from clients that read it: the token call at the tenant's host and what it answers, the users at the
// region's host and their e-mail addresses, the tasks and their members, instants with milliseconds, truth values as 0 and 1,
// 100 calls in 30 s. Not public: where it takes records and what they look like. Paths and members are options; the usual ones mirror
// what readers get.
//
// States: a state's end is known when the next one comes. For each agent and source the sink keeps the states of two days in
// memory, works out what Playvox is to have, and sends what differs from what it has acknowledged: a new state together with
// the end of the one before, in one request. After a restart it reads the tasks of the last day back, so that what was open is ended.
// Requests of states go one after the other, since the end of one is another's.
//
// Limits: a state whose start is corrected after a restart leaves its old task behind, as does a contact that loses its agent leave its session;
// a record of a person whom Playvox does not know is a dead letter, to be sent again once it does.
package playvox
