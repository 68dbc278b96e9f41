package runtime

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// holdKey is where a run says that it reads the pipeline's sources: who takes a cursor back beside it would be overwritten.
const holdKey = "run/sources"

// A run says so again every holdPulse, and is taken for dead when it has not for holdLimit.
const (
	holdPulse = 20 * time.Second
	holdLimit = 65 * time.Second
)

// holder is a run that reads sources.
type holder struct {
	Host    string    `json:"host"`
	Process int       `json:"process"`
	At      time.Time `json:"at"` // by the machine's clock
}

// hold says that this process reads the sources, until release is called.
func (c *cursors) hold(ctx context.Context) (release func(), err error) {
	beat := func(ctx context.Context) error {
		host, _ := os.Hostname() // for people only
		text, _ := json.Marshal(holder{Host: host, Process: os.Getpid(), At: c.p.now().UTC()})
		return c.put(ctx, holdKey, text)
	}
	if err := beat(ctx); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		said := false
		for clock.Sleep(ctx, holdPulse) == nil {
			said = said || c.shared(ctx)
			_ = beat(ctx) // the next one may do
		}
	}()
	return func() {
		stop()
		<-done
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = c.put(ctx, holdKey, nil) // it expires by itself
	}, nil
}

// shared says in the log that another run reads the same sources, where one does: it has said so since this one did last.
func (c *cursors) shared(ctx context.Context) bool {
	value, err := c.Reload(ctx, holdKey)
	var h holder
	if err != nil || len(value) == 0 || json.Unmarshal(value, &h) != nil {
		return false
	}
	host, _ := os.Hostname()
	if h.Host == host && h.Process == os.Getpid() {
		return false
	}
	c.p.log.Warn("another run reads the same sources: the numbers stay right, but vendors are asked twice, quotas are spent twice, and some refuse two "+
		"calls at a time: let one worker run the stage ingest", "host", h.Host, "process", h.Process)
	return true
}

// held is the run that reads the sources, if one does.
func (c *cursors) held() (holder, bool) {
	var h holder
	value := c.load(holdKey)
	if len(value) == 0 || json.Unmarshal(value, &h) != nil {
		return holder{}, false
	}
	age := c.p.now().Sub(h.At)
	return h, age < holdLimit && age > -holdLimit
}
