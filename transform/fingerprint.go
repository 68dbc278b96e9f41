package transform

import (
	"encoding/json"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// foldRules is raised by every change after which a shard would keep other facts of the same log, or other contents of them: a new
// field or kind of fact, a new refusal, another order of equal revisions, another identity. What rows say of the facts kept may
// change without it: rows are not in snapshots.
const foldRules = 1

// fingerprint stands for everything that decides which facts a shard keeps. It covers every option, so that a new one is covered
// before anyone thinks of it.
func (s *settings) fingerprint() (uint64, error) {
	zone := "UTC"
	if s.Zone != nil {
		zone = s.Zone.String()
	}
	o := s.Options
	o.Zone = nil
	text, err := json.Marshal(o)
	if err != nil {
		return 0, fmt.Errorf("fingerprint of the settings: %w", err)
	}
	return xxhash.Sum64(fmt.Appendf(nil, "%d\x00%s\x00%s", foldRules, zone, text)), nil
}
