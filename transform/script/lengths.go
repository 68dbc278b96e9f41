package script

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// parseLength reads a duration in milliseconds: 4:50 (minutes and seconds), 1:02:03, 0:00.345, 12s, 345ms, 1h30m, -3s, 0.
func parseLength(text string) (int64, error) {
	bad := fmt.Errorf("%q is not a duration: write 4:50 (minutes:seconds), 1:02:03, 12s or 345ms", text)
	digits, negative := strings.CutPrefix(text, "-")
	ms := int64(0)
	switch parts := strings.Split(digits, ":"); {
	case digits == "0":
	case len(parts) == 1:
		d, err := spec.ParseDuration(digits)
		if _, number := strconv.ParseFloat(digits, 64); number == nil {
			return 0, fmt.Errorf("%q has no unit: did you mean %q or %q?", text, text+"s", text+"ms")
		}
		if err != nil || d < 0 || d%time.Millisecond != 0 {
			return 0, bad
		}
		ms = d.Milliseconds()
	case len(parts) > 3:
		return 0, bad
	default:
		for i, p := range parts {
			unit, ok := clockPart(p, i == 0, i == len(parts)-1)
			if !ok {
				return 0, bad
			}
			if ms = ms*60 + unit; ms > math.MaxInt64/3600/1000 {
				return 0, bad
			}
		}
	}
	if negative {
		ms = -ms
	}
	return ms, nil
}

// clockPart reads one of the numbers between colons, in thousandths. The first may have any number of digits, the others have
// two and are below 60; only the last may have a fraction.
func clockPart(p string, first, last bool) (int64, bool) {
	whole, fraction, dotted := strings.Cut(p, ".")
	if whole == "" || len(whole) > 9 || !first && len(whole) != 2 || dotted && (!last || fraction == "" || len(fraction) > 3) {
		return 0, false
	}
	n, err := strconv.ParseUint(whole, 10, 32)
	if err != nil || !first && n > 59 {
		return 0, false
	}
	thousandths, err := strconv.ParseUint((fraction + "000")[:3], 10, 32)
	return int64(n)*1000 + int64(thousandths), err == nil
}

// formatLength writes what parseLength reads.
func formatLength(ms int64) string {
	switch {
	case ms == math.MinInt64:
		return "none"
	case ms < 0:
		return "-" + formatLength(-ms)
	case ms == 0:
		return "0"
	case ms < 1000:
		return fmt.Sprintf("%dms", ms)
	}
	text := fmt.Sprintf("%d:%02d", ms/60_000, ms/1000%60)
	if ms < 60_000 {
		return strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64) + "s"
	}
	if ms >= 3600_000 {
		text = fmt.Sprintf("%d:%02d:%02d", ms/3600_000, ms/60_000%60, ms/1000%60)
	}
	if ms%1000 != 0 {
		text += fmt.Sprintf(".%03d", ms%1000)
	}
	return text
}
