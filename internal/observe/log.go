package observe

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"
)

// NewLogger writes to w: format "text" or "json", or "auto" (also when empty) for text on a terminal and JSON elsewhere; level "debug", "info"
// (also when empty), "warn" or "error".
func NewLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if level != "" {
		if err := l.UnmarshalText([]byte(level)); err != nil {
			return nil, fmt.Errorf("log level %q is not known: write debug, info, warn or error", level)
		}
	}
	if format == "" || format == "auto" {
		format = "json"
		if Terminal(w) {
			format = "text"
		}
	}
	options := &slog.HandlerOptions{Level: l, ReplaceAttr: readable}
	switch strings.ToLower(format) {
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	}
	return nil, fmt.Errorf("log format %q is not known: write text or json", format)
}

// Terminal says whether w is one.
func Terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// readable writes durations as 1.5s rather than as nanoseconds.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}
