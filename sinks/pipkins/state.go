package pipkins

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/wholefile"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// held is what the sink remembers of one file.
type held struct {
	Sequence int64   `json:"sequence"` // how often it was written
	Rows     []entry `json:"rows"`     // in the order of their keys
}

// entry is one row, as it came: a file can be rendered anew with other columns.
type entry struct {
	Key        string                      `json:"key"`
	Start      int64                       `json:"start"` // milliseconds since 1970, UTC
	Revision   int64                       `json:"revision"`
	Queue      *schemas.QueueInterval      `json:"queue,omitempty"`
	AgentQueue *schemas.AgentQueueInterval `json:"agent_queue,omitempty"`
	Agent      *schemas.AgentInterval      `json:"agent,omitempty"`
}

func entryOf(i *delivery.Item) entry {
	return entry{Key: i.Key, Start: i.Start, Revision: i.Revision, Queue: i.Queue, AgentQueue: i.AgentQueue, Agent: i.Agent}
}

// item is a copy whose record may be changed.
func (e *entry) item() *delivery.Item {
	i := &delivery.Item{Key: e.Key, Start: e.Start, Revision: e.Revision}
	switch {
	case e.Queue != nil:
		r := *e.Queue
		i.Queue = &r
	case e.AgentQueue != nil:
		r := *e.AgentQueue
		i.AgentQueue = &r
	case e.Agent != nil:
		r := *e.Agent
		i.Agent = &r
	}
	return i
}

// load reads what is remembered of a file; nothing where there is none.
func load(path string) (*held, error) {
	h := &held{}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err == nil {
		err = json.Unmarshal(text, h)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: what is remembered of the file cannot be read, and without it the file is not written: %w: remove it, and "+
			"have all rows of the interval sent again by a sink of another name", path, err)
	}
	return h, nil
}

func (h *held) save(path string) error {
	return wholefile.Write(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(h) })
}

// find is where a row is, or where it would be.
func (h *held) find(key string) (at int, ok bool) {
	return slices.BinarySearchFunc(h.Rows, key, func(e entry, key string) int { return strings.Compare(e.Key, key) })
}

// put takes rows over, and says whether that changed anything. A row of an older revision changes nothing.
func (h *held) put(items []delivery.Item) (changed bool) {
	for n := range items {
		i := &items[n]
		at, ok := h.find(i.Key)
		switch {
		case !ok:
			h.Rows = slices.Insert(h.Rows, at, entryOf(i))
		case h.Rows[at].Revision < i.Revision:
			h.Rows[at] = entryOf(i)
		default:
			changed = changed || i.Again
			continue
		}
		changed = true
	}
	return changed
}
