package pipelines

import (
	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/file"
	"github.com/quarterhour/quarterhour/ingest/five9"
	"github.com/quarterhour/quarterhour/ingest/gladly"
	"github.com/quarterhour/quarterhour/ingest/http"
	"github.com/quarterhour/quarterhour/ingest/iservice"
	"github.com/quarterhour/quarterhour/ingest/webhook"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/calabrio"
	"github.com/quarterhour/quarterhour/sinks/clickhouse"
	filesink "github.com/quarterhour/quarterhour/sinks/file"
	httpsink "github.com/quarterhour/quarterhour/sinks/http"
	"github.com/quarterhour/quarterhour/sinks/pipkins"
	"github.com/quarterhour/quarterhour/sinks/playvox"
	"github.com/quarterhour/quarterhour/sinks/sqs"
	"github.com/quarterhour/quarterhour/transform"
	"github.com/quarterhour/quarterhour/transform/expressions"
)

// Sources, Stages, Sinks and Measures are everything a pipeline file may name. A new component adds its line here, and
// nothing else: validation, `quarterhour list`, completions and the reference pages read these lists.
var (
	Sources = []ingest.Registration{
		file.Registration,
		five9.Registration,
		http.Registration,
		webhook.Registration,
		iservice.Registration,
		gladly.Registration,
	}

	Stages = []spec.Component{
		expressions.Filter,
		expressions.Set,
		transform.Component(),
	}

	Sinks = []sinks.Registration{
		clickhouse.Registration,
		calabrio.Registration,
		filesink.Registration,
		pipkins.Registration,
		httpsink.Registration,
		playvox.Registration,
		sqs.Registration,
	}

	Measures = transform.MeasureComponents()
)
