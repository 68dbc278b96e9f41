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
		for clock.Sleep(ctx, holdPulse) == nil {
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
