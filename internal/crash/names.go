package crash

// The points, in the order in which data flows past them, and how things stand there.
const (
	FolderHeld         Name = "folder-held"         // the data folder is ours, no engine runs
	CompactionLinked   Name = "compaction-linked"   // a copy of the grown partitions is made of links, nothing is compacted
	CompactionCopied   Name = "compaction-copied"   // the copy is compacted, no partition is replaced
	CompactionRenamed  Name = "compaction-renamed"  // a partition is out of the way, the compacted one not in its place
	CompactionReplaced Name = "compaction-replaced" // the compacted one is in its place, the original still there
	EnginesStarted     Name = "engines-started"     // all engines answer, nobody knows where
	EnginesPublished   Name = "engines-published"   // others can find the engines, nothing has used them

	TopicEnsured     Name = "topic-ensured"     // a topic is there, the next may not be
	SchemaJournalled Name = "schema-journalled" // the registry has an id on disk, its answer is not sent
	SchemaRegistered Name = "schema-registered" // a record's schema has its id, the next may not have
	CursorsLoaded    Name = "cursors-loaded"    // it is known how far each source has read, none has started

	MigrationBegun     Name = "migration-begun"     // a statement of a script has run, the others may not have
	MigrationRan       Name = "migration-ran"       // a script has run, it is not recorded
	MigrationRecorded  Name = "migration-recorded"  // a script is recorded, the next has not run
	SinkOpened         Name = "sink-opened"         // a sink's tables are ready, it has taken nothing
	PartitionsAssigned Name = "partitions-assigned" // a member of a group has partitions, no handler has started

	FileOpened        Name = "file-opened"        // a file is open, none of its new rows are read
	FileRead          Name = "file-read"          // a file is read to its end, the cursor does not say so
	FilesRead         Name = "files-read"         // all files are read, their last rows are not flushed
	FactsAppended     Name = "facts-appended"     // one partition of a flush is in the log, others may not be
	FactsFlushed      Name = "facts-flushed"      // a flush is in the log, nobody was told
	RejectsWritten    Name = "rejects-written"    // the dead letters of a flush are in the log, its facts may not be
	CursorDue         Name = "cursor-due"         // facts are in the log, the cursor that covers them is not
	CursorStored      Name = "cursor-stored"      // the cursor is in the log, the source was not told
	CredentialStored  Name = "credential-stored"  // what a credential spends is in the log, nothing of it is spent
	RawKept           Name = "raw-kept"           // a vendor's answer is kept, none of its facts is handed over
	FlowRetracted     Name = "flow-retracted"     // a retraction is handed over, the position that follows from it is not stored
	FlowRead          Name = "flow-read"          // a window is read to its end, nothing of it is committed
	FlowCommitted     Name = "flow-committed"     // facts and position of a flow are in the log, the marks that follow are not
	MarkDue           Name = "mark-due"           // all facts that a mark covers are in the log, no partition has the mark
	MarkAppended      Name = "mark-appended"      // one partition has the mark, the others may not
	MarkWritten       Name = "mark-written"       // all partitions have the mark, the source was not told
	PromiseMade       Name = "promise-made"       // the source was told, its cursor does not say so
	BatchAcknowledged Name = "batch-acknowledged" // the broker has a batch, the caller was not told

	FoldReplayed     Name = "fold-replayed"     // a shard is restored from the log, nothing new is folded
	FoldTaken        Name = "fold-taken"        // a shard has folded new facts, nothing is handed on
	LettersWritten   Name = "letters-written"   // a shard's dead letters are in the log, its partials are not
	PartialsMade     Name = "partials-made"     // partials are encoded, none is in the log
	PartialsAppended Name = "partials-appended" // one partition of partials is in the log, others may not be
	PartialsWritten  Name = "partials-written"  // partials are in the log, the facts they cover are not committed
	FoldCommitted    Name = "fold-committed"    // the facts are committed

	SectionWritten   Name = "section-written"   // a section of a snapshot is in the log, others may not be
	SectionsWritten  Name = "sections-written"  // all sections are in the log, the manifest is not
	ManifestWritten  Name = "manifest-written"  // the snapshot is there, the shard was not told
	SnapshotRestored Name = "snapshot-restored" // a shard is restored from a snapshot, nothing of the log behind it is folded

	MergeReplayed  Name = "merge-replayed"  // a merge is restored from the log, nothing new is taken
	MergeTaken     Name = "merge-taken"     // a merge has taken new partials, nothing is handed on
	RowsMade       Name = "rows-made"       // rows are encoded, none is in the log
	RowsAppended   Name = "rows-appended"   // rows are in the log, the merge was not told
	RowsWritten    Name = "rows-written"    // rows are in the log, the partials they cover are not committed
	MergeCommitted Name = "merge-committed" // the partials are committed

	SinkGathered  Name = "sink-gathered"  // a batch is gathered, nothing of it is written
	InsertSpooled Name = "insert-spooled" // the embedded ClickHouse has a block on disk, it is not inserted
	InsertRan     Name = "insert-ran"     // a block is in its table, the client was not told
	TableInserted Name = "table-inserted" // one table of a batch is written, the others may not be
	SinkWritten   Name = "sink-written"   // a batch is written, its offsets are not committed
	SinkCommitted Name = "sink-committed" // a batch is committed

	DeliveryAnswered     Name = "delivery-answered"     // a destination has answered a request, nothing is written down
	DeliveryRecorded     Name = "delivery-recorded"     // what it answered is in the log, nothing is committed
	DeliveryCheckpointed Name = "delivery-checkpointed" // from where a restart reads the deliveries is kept, their rows are not committed
	DeliveryCommitted    Name = "delivery-committed"    // rows that are settled are committed

	QueueFilled         Name = "queue-filled"          // a queue has taken messages, whoever sent them was not told
	QueueReceived       Name = "queue-received"        // messages are read, nothing of them is posted
	QueuePosted         Name = "queue-posted"          // a destination has answered a post, nothing is written down
	QueueLettersWritten Name = "queue-letters-written" // dead letters of a post are in the log, its attempts are not
	QueueRecorded       Name = "queue-recorded"        // what it answered is in the log, the messages are in the queue
	QueueDeleted        Name = "queue-deleted"         // messages that are posted are deleted, those that were refused are not put back
	QueuePutBack        Name = "queue-put-back"        // messages that were refused are hidden for a while, nothing else is done

	RebuildPromised Name = "rebuild-promised" // a promise is repeated in the log of one shard, the others may not have it
	RebuildReissued Name = "rebuild-reissued" // partials of one shard are issued again, those of others may not be

	StageDrained   Name = "stage-drained"   // a stage has handed on all there is, the next has not
	EnginesClosing Name = "engines-closing" // everything is done, all engines run
	EnginesClosed  Name = "engines-closed"  // the engines have ended, the data folder is still held
)

// All lists the points.
var All = []Name{
	FolderHeld, CompactionLinked, CompactionCopied, CompactionRenamed, CompactionReplaced, EnginesStarted, EnginesPublished,
	TopicEnsured, SchemaJournalled, SchemaRegistered, CursorsLoaded,
	MigrationBegun, MigrationRan, MigrationRecorded, SinkOpened, PartitionsAssigned,
	FileOpened, FileRead, FilesRead, FactsAppended, FactsFlushed, RejectsWritten, CursorDue, CursorStored,
	CredentialStored, RawKept, FlowRetracted, FlowRead, FlowCommitted,
	MarkDue, MarkAppended, MarkWritten, PromiseMade, BatchAcknowledged,
	FoldReplayed, FoldTaken, LettersWritten, PartialsMade, PartialsAppended, PartialsWritten, FoldCommitted,
	SectionWritten, SectionsWritten, ManifestWritten, SnapshotRestored,
	MergeReplayed, MergeTaken, RowsMade, RowsAppended, RowsWritten, MergeCommitted,
	SinkGathered, InsertSpooled, InsertRan, TableInserted, SinkWritten, SinkCommitted, DeliveryAnswered, DeliveryRecorded, DeliveryCheckpointed, DeliveryCommitted,
	QueueFilled, QueueReceived, QueuePosted, QueueLettersWritten, QueueRecorded, QueueDeleted, QueuePutBack,
	RebuildPromised, RebuildReissued,
	StageDrained, EnginesClosing, EnginesClosed,
}
