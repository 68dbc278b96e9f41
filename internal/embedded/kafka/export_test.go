package kafka

import "log/slog"

// Clean does what the cleaner would do: apply retention and compact.
func (s *Server) Clean() { s.cluster.Compact() }

// Compact does what a start does, however little there is.
func Compact(dir string) error { return tidy(dir, 1, slog.New(slog.DiscardHandler)) }
