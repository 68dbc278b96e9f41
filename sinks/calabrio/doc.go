// Package calabrio delivers to Calabrio WFM, formerly Teleopti WFM, through one of four doors: the historical-data API, the SOAP service
// for real-time adherence, the three files of the generic LogServer, and files for the import of queue data.
//
// Guarantees. Rows are totals that replace what was there; nothing is added up at the destination. An id that two queues or channels
// would share is refused, since one's totals would overwrite the other's. Of an agent's states the newest is sent, and none after a newer
// one. Files appear whole or not at all, under the name by which they are read.
//
// Limits. The historical-data API cannot be read back, so verify says nothing about it. Intervals must be the destination's, which
// keeps UTC instants on its own grid. Durations are whole seconds, rounded half to even for each value. States that end without a
// successor become a logout once the next record of the agent, or its end, is read. A withdrawn state is replaced by the one before it
// as far as this process, or the snapshot's file, knows it. Where a zone has an hour twice, the second is refused, so UTC is the
// default. One process at a time writes into a folder: a lock sees to it, which the file system must have.
//
// State. What LogServer files hold is kept, some 200 bytes a row, for keep, or the pipeline's retention and a week: nothing corrects a day after that, and
// its rows are refused from then on as too_old, because a file with one row would take the others back. The states of agents, of whom
// there is one each, are kept as long. The import of queue data keeps nothing: a name is never used again, so each request is a file, its rows in
// the order of time, and a correction is a row of a later one. An interval makes as many files as the rows topic has partitions, if
// delay has its rows due together; importers take the files away.
//
// Sources of the facts. The fields of the historical-data API, their types and lengths are the vendor's; the paths of its resources, the
// envelope, how many records a request may have and what its errors look like are not published, and are options. The SOAP service, its
// order of elements and its results are as the vendor's own samples and published service code have them. Columns of the LogServer files are as
// a writer in production and the vendor's integration requirements name them; the pattern of dates is not known. The vendor's help describes
// the import of queue data: 21 fields, no header, all of them present; fields 6 to 21 are those of the LogServer queue file here.
package calabrio
