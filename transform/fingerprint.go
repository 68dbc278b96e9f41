package transform

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// foldRules is raised by every change after which a shard would keep other facts of the same log, or other contents of them: a new
// field or kind of fact, a new refusal, another order of equal revisions, another identity. What rows say of the facts kept may
// change without it: rows are not in snapshots.
const foldRules = 1

// fingerprint stands for everything that decides which facts a shard keeps. It covers every option, so that a new one is covered
// before anyone thinks of it; while it is not used, the fingerprint stays as it was.
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
	var used any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&used); err != nil {
		return 0, fmt.Errorf("fingerprint of the settings: %w", err)
	}
	if text, err = json.Marshal(withoutZeros(used)); err != nil {
		return 0, fmt.Errorf("fingerprint of the settings: %w", err)
	}
	return xxhash.Sum64(fmt.Appendf(nil, "%d\x00%s\x00%s", foldRules, zone, text)), nil
}

// withoutZeros is a JSON value without the fields that are not set; nil where nothing is.
func withoutZeros(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, field := range v {
			if v[k] = withoutZeros(field); v[k] == nil {
				delete(v, k)
			}
		}
		if len(v) == 0 {
			return nil
		}
	case json.Number:
		if v == "0" {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return v
}
