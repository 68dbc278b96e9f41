package transform

import "math/bits"

// digest is the 128-bit hash of an identity (MurmurHash3, x64 variant). With a hundred million identities in one shard the
// chance that any two share a digest is below 1 in 10^22, so a digest stands for its identity.
type digest [2]uint64

const (
	mixA = 0x87c37b91114253d5
	mixB = 0x4cf5ad432745937f
)

// add hashes one more field into the digest. Each field is closed with its length, so that ("ab", "c") and ("a", "bc") differ.
func (d digest) add(s string) digest {
	h1, h2, n := d[0], d[1], uint64(len(s))
	for len(s) >= 16 {
		h1 ^= bits.RotateLeft64(load64(s)*mixA, 31) * mixB
		h1 = (bits.RotateLeft64(h1, 27)+h2)*5 + 0x52dce729
		h2 ^= bits.RotateLeft64(load64(s[8:])*mixB, 33) * mixA
		h2 = (bits.RotateLeft64(h2, 31)+h1)*5 + 0x38495ab5
		s = s[16:]
	}
	if len(s) > 8 {
		h2 ^= bits.RotateLeft64(loadTail(s[8:])*mixB, 33) * mixA
		s = s[:8]
	}
	if len(s) > 0 {
		h1 ^= bits.RotateLeft64(loadTail(s)*mixA, 31) * mixB
	}
	return digest{h1 ^ n, h2 ^ n}.finish()
}

// addInt hashes a number as a field of its own.
func (d digest) addInt(n int64) digest {
	d[0] ^= bits.RotateLeft64(uint64(n)*mixA, 31) * mixB
	return digest{d[0] ^ 8, d[1] ^ 8}.finish()
}

func (d digest) finish() digest {
	h1, h2 := d[0]+d[1], d[0]+2*d[1]
	h1, h2 = scramble(h1), scramble(h2)
	return digest{h1 + h2, h1 + 2*h2}
}

// scramble spreads every bit over the whole word.
func scramble(k uint64) uint64 {
	k = (k ^ k>>33) * 0xff51afd7ed558ccd
	k = (k ^ k>>33) * 0xc4ceb9fe1a85ec53
	return k ^ k>>33
}

func load64(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func loadTail(s string) (k uint64) {
	if len(s) == 8 {
		return load64(s)
	}
	for i := range len(s) {
		k |= uint64(s[i]) << (8 * i)
	}
	return k
}
