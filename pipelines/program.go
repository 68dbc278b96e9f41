package pipelines

import (
	"fmt"

	"github.com/quarterhour/quarterhour/transform"
	"github.com/quarterhour/quarterhour/transform/expressions"
	"github.com/quarterhour/quarterhour/transform/script"
)

// Program is the transform of the pipeline: what runs on every fact, and the settings of its intervals.
func (p *Pipeline) Program() (transform.Options, *expressions.Program, error) {
	o := transform.Options{
		Tenant: p.Tenant, Pipeline: p.Name, Zone: p.Zone, Interval: p.Interval, Grace: p.Grace,
		Retention: p.Retention, MaxSession: p.MaxSession, ClockSkew: p.ClockSkew,
	}
	var stages []expressions.Stage
	for _, s := range p.Stages {
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
	program, err := expressions.Compile(p.Zone, stages...)
	return o, program, err
}

// Setting is what the pipeline's tests run in: its transform and its sources.
func (p *Pipeline) Setting() (script.Setting, error) {
	o, program, err := p.Program()
	setting := script.Setting{Options: o, Stages: program, Fixed: true}
	for _, s := range p.Sources {
		setting.Sources = append(setting.Sources, script.Source{Name: s.Name, Facts: s.Registration.Facts(s.Options)})
	}
	return setting, err
}
