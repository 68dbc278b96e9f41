//go:build race

package transform_test

const underRace = true // everything takes ten times as long
