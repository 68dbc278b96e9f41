package kafka

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/quarterhour/quarterhour/internal/crash"
)

// Compaction happens between two runs: kfake's own replaces segments in place, so that a process killed meanwhile would lose
// them. Here kfake compacts a copy, made of links, and the copy takes the place of the original in one rename for each
// partition:
//
//	DIR/partitions/T-0        what is read
//	DIR/compacting/...        the copy under way; worthless after a kill
//	DIR/replaced/T-0          the original, between the two renames; put back where the second did not happen
//	DIR/compacted.json        the size of each partition after its last compaction

// growth says when compaction is worth its time: a partition that has this many bytes, and twice what it had after the last.
const growth = 32 << 20

type folders struct{ root, partitions, compacting, replaced, sizes string }

func foldersOf(root string) folders {
	in := func(name string) string { return filepath.Join(root, name) }
	return folders{root, in("partitions"), in("compacting"), in("replaced"), in("compacted.json")}
}

// tidy ends what a kill interrupted, and compacts what has grown. Compaction can fail, for want of room, say: nothing is lost
// by going on without it.
func tidy(dir string, least int64, log *slog.Logger) error {
	f := foldersOf(dir)
	if err := f.recover(); err != nil {
		return err
	}
	if err := f.compact(least, log); err != nil {
		log.Warn("the embedded Kafka is not compacted", "error", err)
		return f.recover()
	}
	return nil
}

// compact replaces the partitions of compacted topics that have grown since the last time, once they have least bytes.
func (f folders) compact(least int64, log *slog.Logger) error {
	topics, err := f.compacted()
	if err != nil || len(topics.Topics) == 0 {
		return err
	}
	sizes := map[string]int64{}
	if text, err := os.ReadFile(f.sizes); err == nil {
		_ = json.Unmarshal(text, &sizes) // without it, compaction is only earlier than need be
	}
	var grown []string
	for _, t := range topics.Topics {
		for n := range t.Partitions {
			name := fmt.Sprintf("%s-%d", url.PathEscape(t.Name), n)
			if size := sizeOf(filepath.Join(f.partitions, name)); size >= max(least, 2*sizes[name]) {
				grown = append(grown, name)
			}
		}
	}
	if len(grown) == 0 {
		return nil
	}
	if err := f.copy(topics, grown); err != nil {
		return err
	}
	crash.Point(crash.CompactionLinked)
	if err := compactAll(f.compacting, log); err != nil {
		return err
	}
	crash.Point(crash.CompactionCopied)
	for _, name := range grown {
		before, after := sizeOf(filepath.Join(f.partitions, name)), sizeOf(filepath.Join(f.compacting, "partitions", name))
		if err := f.replace(name); err != nil {
			return err
		}
		sizes[name] = after
		log.Info("compacted a partition of the embedded Kafka", "partition", name, "bytes_before", before, "bytes_after", after)
	}
	text, err := json.Marshal(sizes)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(f.sizes, text, 0o600), os.RemoveAll(f.compacting))
}

// recover ends what a kill interrupted.
func (f folders) recover() error {
	if err := os.RemoveAll(f.compacting); err != nil {
		return err
	}
	names, err := os.ReadDir(f.replaced)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	for _, n := range names {
		if _, err := os.Stat(filepath.Join(f.partitions, n.Name())); errors.Is(err, fs.ErrNotExist) {
			if err := os.Rename(filepath.Join(f.replaced, n.Name()), filepath.Join(f.partitions, n.Name())); err != nil {
				return err
			}
		}
	}
	return os.RemoveAll(f.replaced)
}

// topicsFile is what is needed here of kfake's list of topics; the rest is handed on as it is.
type topicsFile struct {
	Version int     `json:"version"`
	Topics  []topic `json:"topics"`
}

type topic struct {
	Name       string            `json:"name"`
	ID         json.RawMessage   `json:"id"`
	Partitions int               `json:"partitions"`
	Replicas   int               `json:"replicas"`
	Configs    map[string]string `json:"configs,omitempty"`
}

// compacted lists the topics of which only the newest record of each key counts.
func (f folders) compacted() (topicsFile, error) {
	var all topicsFile
	text, err := os.ReadFile(filepath.Join(f.root, "topics.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	} else if err != nil {
		return all, err
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return all, fmt.Errorf("topics.json: %w", err)
	}
	var list []topic
	for _, t := range all.Topics {
		if strings.Contains(t.Configs["cleanup.policy"], "compact") {
			list = append(list, t)
		}
	}
	all.Topics = list
	return all, nil
}

// copy makes a folder for kfake of the compacted topics, in which only the partitions named have anything.
func (f folders) copy(topics topicsFile, names []string) error {
	if err := os.MkdirAll(f.compacting, 0o700); err != nil {
		return err
	}
	text, err := json.Marshal(topics)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(f.compacting, "topics.json"), text, 0o600); err != nil {
		return err
	}
	if err := os.Link(filepath.Join(f.root, "meta.json"), filepath.Join(f.compacting, "meta.json")); err != nil {
		return err
	}
	for _, name := range names {
		from, to := filepath.Join(f.partitions, name), filepath.Join(f.compacting, "partitions", name)
		if err := os.MkdirAll(to, 0o700); err != nil {
			return err
		}
		files, err := os.ReadDir(from)
		if err != nil {
			return err
		}
		// Links will do: kfake writes new files and renames, and appends to none without a producer.
		for _, file := range files {
			if err := os.Link(filepath.Join(from, file.Name()), filepath.Join(to, file.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// compactAll compacts every partition in a folder that nobody else uses.
func compactAll(dir string, log *slog.Logger) error {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(dir), kfake.SyncWrites(), kfake.WithLogger(logger{log}),
		kfake.BrokerConfigs(brokerConfig()),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, "127.0.0.1:0") }))
	if err != nil {
		return err
	}
	cluster.Compact()
	cluster.Close()
	return nil
}

// replace puts the compacted partition in the place of the original.
func (f folders) replace(name string) error {
	now, old := filepath.Join(f.partitions, name), filepath.Join(f.replaced, name)
	if err := os.MkdirAll(f.replaced, 0o700); err != nil {
		return err
	}
	if err := os.Rename(now, old); err != nil {
		return err
	}
	crash.Point(crash.CompactionRenamed)
	if err := os.Rename(filepath.Join(f.compacting, "partitions", name), now); err != nil {
		return err
	}
	crash.Point(crash.CompactionReplaced)
	return os.RemoveAll(f.replaced)
}

// sizeOf is how many bytes of records a partition has.
func sizeOf(partition string) (bytes int64) {
	files, _ := filepath.Glob(filepath.Join(partition, "*.dat")) // the pattern is well formed
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}
