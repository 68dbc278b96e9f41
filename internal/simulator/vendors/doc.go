// Package vendors serves all simulated vendors of one contact centre, and the destinations that its figures are delivered to, on one
// loopback address, each below its own path (/five9, /gladly, /iservice; /calabrio), with outages on a schedule, and what a test or a person beside it asks for:
//
//	GET  /clock                                     what time the vendors have, and how fast it runs
//	GET  /faults                                    the outages that are known
//	POST /faults      {"vendor","how","from","to"}  another one; from now on, or to the end of days, where left out
//	GET  /violations                                what a well-behaved client never causes
//	GET  /holds?destination=calabrio                what a destination has
//	GET  /truth?vendor=five9&through=…              what the interval tables must say
package vendors
