package transform

import (
	"bytes"
	"encoding/binary"
)

// Resealed is data with its preamble and checksums put right.
func Resealed(data []byte) []byte {
	var s sealing
	var out []byte
	version := snapshotVersion
	if rest, ok := bytes.CutPrefix(data, []byte(preamble)); ok && len(rest) >= 2 {
		data = rest[2:]
	}
	for len(data) >= 5 {
		n := min(int(binary.LittleEndian.Uint32(data[1:])), len(data)-5)
		out = append(out, s.seal(version, data[0], data[5:5+n])...)
		data = data[min(5+n+8, len(data)):]
	}
	return out
}

// Horizon is the start of the oldest interval that a shard still counts.
func Horizon(s *Shard) int64 { return s.horizon }

// The versions of snapshots that can be read.
const (
	OldestSnapshot  uint16 = 1
	SnapshotVersion        = snapshotVersion
)
