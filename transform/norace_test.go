//go:build !race

package transform_test

const underRace = false
