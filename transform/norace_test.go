//go:build !race

package transform_test

const underRace = false // with the race detector everything takes ten times as long
