package runtime

import (
	"fmt"

	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/transform"
	"github.com/quarterhour/quarterhour/transform/expressions"
)

// stagesOf turns a pipeline's transform section into the program that runs on every fact, and the settings of its intervals.
func stagesOf(file *pipelines.Pipeline) (transform.Options, *expressions.Program, error) {
	o := transform.Options{
		Tenant: file.Tenant, Pipeline: file.Name, Zone: file.Zone, Interval: file.Interval, Grace: file.Grace,
		Retention: file.Retention, MaxSession: file.MaxSession, ClockSkew: file.ClockSkew,
	}
	var stages []expressions.Stage
	for _, s := range file.Stages {
		if stage, ok := expressions.StageOf(s.Options); ok {
			stages = append(stages, stage)
			continue
		}
		intervals, ok := s.Options.(*transform.StageOptions)
		if !ok {
			return o, nil, fmt.Errorf("%s:%d: stage %q cannot be run by this program", s.At.File, s.At.Line, s.Component.Type)
		}
		o.StageOptions = *intervals
	}
	program, err := expressions.Compile(file.Zone, stages...)
	return o, program, err
}
