// Package sinktest is the one acceptance suite of sinks: what sinks.Sink promises, tried on a real destination. A sink passes
// it by a test that opens the sink as a pipeline would and reads the destination back.
package sinktest
