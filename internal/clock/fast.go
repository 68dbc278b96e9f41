package clock

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// FastVariable is the environment variable that gives a process another time than the machine's: what `quarterhour simulate` says, so
// that a run beside it agrees with the simulated vendors on the time.
const FastVariable = "QUARTERHOUR_CLOCK"

// ParseFast reads the variable's value, "SHOWN,AT,SPEED": the instant that was shown, the machine's instant at which it was, both as
// RFC 3339, and how many times as fast time runs since. Empty is the machine's own time.
func ParseFast(value string) (Watch, error) {
	if value == "" {
		return Wall, nil
	}
	shown, at, speed, err := parseFast(value)
	if err != nil {
		return nil, fmt.Errorf("%s=%q: %w: write SHOWN,AT,SPEED as in \"2026-03-02T08:00:00Z,2026-11-21T10:48:49.5Z,100\"", FastVariable, value, err)
	}
	return Fast(shown, at, speed), nil
}

func parseFast(value string) (shown, at time.Time, speed float64, err error) {
	part := strings.Split(value, ",")
	if len(part) != 3 {
		return shown, at, 0, fmt.Errorf("has %d parts, not 3", len(part))
	}
	if shown, err = time.Parse(time.RFC3339Nano, strings.TrimSpace(part[0])); err != nil {
		return shown, at, 0, fmt.Errorf("%q is no instant", part[0])
	}
	if at, err = time.Parse(time.RFC3339Nano, strings.TrimSpace(part[1])); err != nil {
		return shown, at, 0, fmt.Errorf("%q is no instant", part[1])
	}
	speed, err = strconv.ParseFloat(strings.TrimSpace(part[2]), 64)
	if err != nil || !(speed > 0 && speed <= 1e6) {
		return shown, at, 0, errors.New("the speed is no number between 0 and a million")
	}
	return shown, at, speed, nil
}

// FormatFast is the value that makes another process agree with this one on the time.
func FormatFast(shown, at time.Time, speed float64) string {
	return shown.UTC().Format(time.RFC3339Nano) + "," + at.UTC().Format(time.RFC3339Nano) + "," + strconv.FormatFloat(speed, 'g', -1, 64)
}

// Machine is what the machine's clock shows when the watch shows t.
func Machine(w Watch, t time.Time) time.Time {
	if f, ok := w.(fast); ok {
		return f.at.Add(time.Duration(float64(t.Sub(f.showed)) / f.speed))
	}
	return t
}
