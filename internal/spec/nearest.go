package spec

import (
	"strconv"
	"strings"
)

// listed is how many right names are spelled out where none is near.
const listed = 12

// Nearest is the candidate with the fewest edits to word, or "" where none is near enough to be what was meant: about one
// edit for each three letters. Letter case, and - against _, count for nothing. Of equals the first wins.
func Nearest(word string, candidates []string) string {
	folded := fold(word)
	best, least := "", min(len(folded), max(1, len(folded)/3)+1)
	for _, c := range candidates {
		if d := Distance(folded, fold(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// Suggest is the end of a message about a wrong word: `: did you mean "x"?`, else the right words, where they are few.
func Suggest(word string, candidates []string) string {
	if n := Nearest(word, candidates); n != "" {
		return ": did you mean " + strconv.Quote(n) + "?"
	}
	if len(candidates) == 0 || len(candidates) > listed {
		return ""
	}
	return ": known are " + strings.Join(candidates, ", ")
}

// Distance is the number of insertions, deletions, substitutions and swaps of neighbours that turn a into b.
func Distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row[0] = i + 1
		for j := range y {
			change := 1
			if x[i] == y[j] {
				change = 0
			}
			row[j+1] = min(last[j]+change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}

func fold(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }
