package schemas

import (
	"math/big"
	"testing"
	"time"
)

func date(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }

func clock(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

func ratio(a, b int64) *big.Rat { return big.NewRat(a, b) }

// power is 2^n as goavro takes decimals.
func power(n uint) *big.Rat { return new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), n)) }

func TestDivideHalfEven(t *testing.T) {
	f := func(v int64, scale int, want int64) {
		t.Helper()
		if got := divideHalfEven(v, scale); got != want {
			t.Errorf("%d / 10^%d: got %d, want %d", v, scale, got, want)
		}
	}
	f(125, 1, 12) // a tie goes to the even neighbour
	f(135, 1, 14)
	f(-125, 1, -12)
	f(-135, 1, -14)
	f(126, 1, 13)
	f(-126, 1, -13)
	f(124, 1, 12)
	f(7, 0, 7)
	f(5, 1, 0)
	f(-5, 1, 0)
	f(15, 1, 2)
	f(-6, 1, -1)
	f(9_000_000_000_000_000_000, 18, 9)
	f(1<<62, 19, 0)
}

func TestUnscaled(t *testing.T) {
	f := func(b []byte, want int64, ok bool) {
		t.Helper()
		if got, gotOK := unscaled(b); gotOK != ok || ok && got != want {
			t.Errorf("% x: got %d %v, want %d %v", b, got, gotOK, want, ok)
		}
	}
	f(nil, 0, true)
	f([]byte{0x7f}, 127, true)
	f([]byte{0xff}, -1, true)
	f([]byte{0xff, 0x7f}, -129, true)
	// Sign bytes in front do not count, digits do.
	f([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 5}, 5, true)
	f([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfb}, -5, true)
	f([]byte{0, 0x80, 0, 0, 0, 0, 0, 0, 0}, 0, false)
	f([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0}, 0, false)
}
