package runtime

import (
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/transform"
	"github.com/quarterhour/quarterhour/transform/expressions"
)

// stagesOf turns a pipeline's transform section into the program that runs on every fact, and the settings of its intervals.
func stagesOf(file *pipelines.Pipeline) (transform.Options, *expressions.Program, error) {
	return file.Program()
}
