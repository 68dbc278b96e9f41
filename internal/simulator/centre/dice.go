package centre

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"strings"
)

// roll is a number that depends on the seed and the words alone.
func (c *Centre) roll(words []string) [sha256.Size]byte {
	text := binary.LittleEndian.AppendUint64(nil, c.Seed)
	return sha256.Sum256(append(text, strings.Join(words, "\x00")...))
}

// Dice are for one record or decision, named by the words: the same seed and words always roll the same.
func (c *Centre) Dice(words ...string) *rand.Rand {
	sum := c.roll(words)
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])))
}

// Slug is an id as Gladly has them: 22 characters that are safe in a URL.
func (c *Centre) Slug(words ...string) string {
	sum := c.roll(words)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Number is an id of so many decimal digits, the first of them given.
func (c *Centre) Number(first byte, digits int, words ...string) string {
	d, id := c.Dice(words...), []byte{first}
	for len(id) < digits {
		id = append(id, '0'+byte(d.IntN(10)))
	}
	return string(id)
}
