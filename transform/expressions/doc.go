// Package expressions runs the filter and set stages of a pipeline over facts.
//
// A stage works on the kinds of fact that have the fields it names: a filter by queue_name leaves agent states alone, one by
// agent_id works on both. A fact that a filter refuses counts as retracted at its revision, so that a correction that moves a fact out of
// the filter takes its earlier contribution back. The stages are pure: the same fact always gives the same result.
package expressions
