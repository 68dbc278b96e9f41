package transform

import "math/bits"

// share is how much of a total that is spread evenly over [from, to) lies before an instant: a whole number that grows from 0
// to the total, so that the parts of any division sum to the total exactly. A total over no time lies at from.
func share(total, from, to, at int64) int64 {
	switch {
	case at <= from:
		return 0
	case at >= to:
		return total
	case total == to-from:
		return at - from
	}
	hi, lo := bits.Mul64(uint64(total), uint64(at-from))
	q, _ := bits.Div64(hi, lo, uint64(to-from)) // at < to, so that the quotient is below total
	return int64(q)
}

// part is what of a total spread over [from, to) lies in the interval [start, end).
func part(total, from, to, start, end int64) int64 {
	if total == 0 || from >= end || to < start || to == start && from < to {
		return 0
	}
	if from >= start && to <= end {
		return total
	}
	return share(total, from, to, end) - share(total, from, to, start)
}
