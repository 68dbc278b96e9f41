package kafka

// Clean does what the cleaner would do: apply retention and compact.
func (s *Server) Clean() { s.cluster.Compact() }
