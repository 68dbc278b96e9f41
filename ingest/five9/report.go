package five9

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// request names a report and the window it is asked for.
type request struct {
	folder, report string
	span
}

func (r request) String() string { return fmt.Sprintf("report %q in folder %q", r.report, r.folder) }

// reportTries is how often a report is run when its result is lost.
const reportTries = 3

// answered is a report's result as it streams in. It must be closed.
type answered struct {
	io.Reader
	io.Closer
	contentType string
}

func (a *answered) sheet() sheet {
	if a.contentType == csvType {
		return newCSVSheet(a)
	}
	return newXMLSheet(a)
}

// The forms of a result.
const (
	csvType = "text/csv;charset=UTF-8"
	xmlType = "text/xml;charset=UTF-8"
)

// reports runs reports with one client.
type reports struct {
	*client
	zone    *time.Location // in which criteria are written
	poll    time.Duration  // how long one question may take
	timeout time.Duration  // of a report
	rows    bool           // results by getReportResult
}

// run asks for a report and waits for its result, as CSV. An identifier that comes back empty, or that is no longer known, costs
// another request.
func (p *reports) run(ctx context.Context, r request) (*answered, error) {
	deadline := p.watch.Now().Add(p.timeout)
	for try := 1; ; try++ {
		identifier, err := p.start(ctx, r)
		if err == nil {
			var a *answered
			if a, err = p.await(ctx, r, identifier, deadline); err == nil {
				return a, nil
			}
		}
		if !is(err, Gone) || try == reportTries {
			return nil, fmt.Errorf("%s: %w", r, err)
		}
		p.log.Info("the vendor does not know the report that it began: it is asked for again", "report", r.report, "try", try)
	}
}

var errNoIdentifier = errors.New("the vendor gave no identifier for the report, twice")

func (p *reports) start(ctx context.Context, r request) (string, error) {
	for range 2 { // an empty identifier has been seen; the next try gave one
		var answer one
		if err := p.ask(ctx, opReport, runReport(p.space, r.folder, r.report, r.from, r.to, p.zone), &answer); err != nil {
			return "", err
		}
		if id := strings.TrimSpace(answer.Return); id != "" {
			return id, nil
		}
	}
	return "", errNoIdentifier
}

// await polls until the result is there, and opens it.
func (p *reports) await(ctx context.Context, r request, identifier string, deadline time.Time) (*answered, error) {
	for {
		var answer one
		asked := p.watch.Now()
		if err := p.ask(ctx, opQuery, isReportRunning(p.space, identifier, p.poll), &answer); err != nil {
			return nil, err
		}
		running := strings.TrimSpace(answer.Return)
		if running == "false" || running == "0" {
			a, err := p.result(ctx, identifier)
			if !is(err, NotReady) {
				return a, err
			}
		}
		if p.watch.Now().After(deadline) {
			return nil, fmt.Errorf("it was not ready within %s: make the window shorter, or report_timeout longer", p.timeout)
		}
		// A vendor that answers at once, rather than when there is something to tell, is not asked in a tight loop.
		if rest := p.poll - p.watch.Now().Sub(asked); rest > 0 {
			if err := p.watch.Sleep(ctx, min(rest, pollPause)); err != nil {
				return nil, err
			}
		}
	}
}

// pollPause is the pause after an answer that came before its time.
const pollPause = 2 * time.Second

func (p *reports) result(ctx context.Context, identifier string) (*answered, error) {
	operation := "getReportResultCsv"
	if p.rows {
		operation = "getReportResult"
	}
	body, err := p.call(ctx, opResult, envelope(p.space, operation, text("identifier", identifier)))
	if err != nil {
		return nil, err
	}
	if p.rows {
		return &answered{body, body, xmlType}, nil
	}
	node := newTextNode(body, "return")
	if err := node.open(); err != nil {
		_ = body.Close()
		return nil, fmt.Errorf("answer to %s: %w", operation, err)
	}
	return &answered{node, body, csvType}, nil
}
