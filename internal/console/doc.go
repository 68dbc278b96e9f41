// Package console draws what a person reads: tables, progress bars, numbers. It knows widths and colours and nothing of
// Quarterhour; internal/cli decides what is shown.
package console
