package five9

import (
	"context"
	"time"
)

// countersEvery is how often the live counters are read: often enough to see what other tools spend, and no oftener ("should not
// be abused").
const countersEvery = 15 * time.Minute

// count reads the domain's own limits and what is spent of them, for all who use the credential. It costs nothing.
func (c *client) count(ctx context.Context) (*counters, error) {
	var answer counters
	if err := c.ask(ctx, opFree, envelope(c.space, "getCallCountersState"), &answer); err != nil {
		return nil, err
	}
	for _, period := range answer.Return {
		per := time.Duration(period.Seconds) * time.Second
		if per <= 0 {
			continue
		}
		for _, s := range period.States {
			if s.Limit > 0 {
				c.credential.Spent(s.Operation, per, s.Value, s.Limit)
			}
		}
	}
	return &answer, nil
}

// limited holds an operation that the vendor says is spent until the clock's next minute, hour or day. The fault names the limit, not
// its stretch; the counters tell which of them are spent.
func (c *client) limited(ctx context.Context, operation string, f *Fault) error {
	now := c.watch.Now()
	hold := until(now, time.Minute, c.zone)
	answer, err := c.counters.count(ctx)
	if is(err, Stop) || is(err, Misconfigured) { // which stretch it is, is found by trying again
		answer, err = &counters{}, nil
	}
	if err != nil {
		return err
	}
	for _, period := range answer.Return {
		per := time.Duration(period.Seconds) * time.Second
		for _, s := range period.States {
			if (s.Operation == operation || s.Operation == f.Operation) && s.Limit > 0 && s.Value >= s.Limit {
				if end := until(now, per, c.zone); end.After(hold) {
					hold = end
				}
			}
		}
	}
	c.log.Info("the vendor's limit of an operation is reached", "operation", operation, "limit", f.Limit, "until", hold)
	c.credential.Hold(operation, hold.Add(holdMargin))
	return nil
}

// holdMargin is for clocks that differ a little.
const holdMargin = time.Second

// refresh reads the counters where they have not been read for a while. Streams wait for the one that reads them: after a restart
// nobody knows what is spent.
func (c *client) refresh(ctx context.Context) error {
	c.counting.Lock()
	defer c.counting.Unlock()
	now := c.watch.Now()
	if !c.counted.IsZero() && now.Sub(c.counted) < countersEvery && !now.Before(c.counted) {
		return nil
	}
	if _, err := c.count(ctx); err != nil {
		return err
	}
	c.counted = now
	return nil
}
