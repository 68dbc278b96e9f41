package playvox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	nethttp "net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/identity"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/objects"
)

// mostPages bounds the reading of a list: a nextPageToken that never ends is a defect.
const mostPages = 10_000

// pages reads a list, page by page.
func pages(ctx context.Context, c *httpcall.Client, path string, query url.Values, each func(entry map[string]any)) error {
	for range mostPages {
		body, _, err := c.Bytes(ctx, &httpcall.Request{Path: path + "?" + query.Encode(), Header: nethttp.Header{"Accept": {"application/json"}}})
		var fault *httpcall.Error
		if errors.As(err, &fault) && fault.Kind == httpcall.Permanent {
			fault.Misplaced = true // what is read is the same for all records
			if fault.Err == nil {
				fault.Err = errors.New("the list cannot be read: check its path")
			}
		}
		if err != nil {
			return err
		}
		var page struct {
			Data          []map[string]any `json:"data"`
			NextPageToken string           `json:"nextPageToken"`
		}
		d := json.NewDecoder(strings.NewReader(string(body)))
		d.UseNumber()
		if err := d.Decode(&page); err != nil {
			return &httpcall.Error{Kind: httpcall.Transient, Call: "GET " + path, Err: fmt.Errorf("the answer has no list in data: %w", err)}
		}
		for _, entry := range page.Data {
			each(entry)
		}
		if page.NextPageToken == "" {
			return nil
		}
		if page.NextPageToken == query.Get("nextPageToken") {
			break
		}
		query.Set("nextPageToken", page.NextPageToken)
	}
	return &httpcall.Error{Kind: httpcall.Transient, Call: "GET " + path, Err: errors.New("the pages have no end")}
}

// user is a person at Playvox.
type user struct {
	id, email string
	active    bool
}

// people finds the Playvox user of an agent. Safe for concurrent use.
type people struct {
	o       *Users
	client  *httpcall.Client // of the region
	tenant  string
	aliases identity.Aliases
	workers func(context.Context) ([]identity.Fact, error) // nil: none are known
	watch   clock.Watch

	mu      sync.Mutex
	opened  time.Time // when the first record came
	read    time.Time // the users
	asked   time.Time // the workers
	byEmail map[string][]user
	byID    map[string][]user  // by ids of integrations
	agents  map[string]*claims // by source and agent id
	sources map[string]bool    // those that list users
}

// claims are whose an agent id is.
type claims struct {
	person    string
	addresses []string
	ambiguous bool
}

// The reasons for which a record is refused because of its person.
const (
	unmatched = "unmatched_worker"
	ambiguous = "ambiguous_worker"
	inactive  = "inactive_worker"
)

// find is the user of an agent, or why there is none: a reason, and the detail. The list of users is read again for one who is not in it.
func (p *people) find(ctx context.Context, source, agent string) (u user, reason, detail string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.watch.Now()
	if p.opened.IsZero() {
		p.opened = now
	}
	if err := p.refresh(ctx, now, p.o.Every, p.o.Every); err != nil {
		return u, "", "", err
	}
	if u, reason, detail = p.look(source, agent); reason == unmatched {
		if err := p.refresh(ctx, now, p.o.Soonest, min(p.o.Soonest, workersSoonest)); err != nil {
			return u, "", "", err
		}
		u, reason, detail = p.look(source, agent)
	}
	if reason == unmatched && p.workers != nil && !p.sources[source] && now.Sub(p.opened) < firstUsers {
		return u, "", "", &httpcall.Error{Kind: httpcall.Transient, Err: fmt.Errorf("the users of source %q have not been read yet: %s", source, detail)}
	}
	return u, reason, detail, nil
}

const (
	// workersSoonest is how soon the workers are read again for an agent who is not among them: it is the log that is read.
	workersSoonest = 30 * time.Second
	// firstUsers is how long records wait for a source that has not listed its users yet, as when a pipeline runs for the first time.
	firstUsers = time.Minute
)

func (p *people) look(source, agent string) (u user, reason, detail string) {
	if list := p.byID[identity.Normal(agent)]; len(list) > 0 {
		return one(list, fmt.Sprintf("agent id %q", agent))
	}
	c := p.agents[source+"\x00"+agent]
	if c == nil {
		c = &claims{}
		if address := identity.Normal(agent); strings.Contains(address, "@") {
			c.addresses = []string{address}
			if person, ok := p.aliases[address]; ok {
				c.addresses = append(c.addresses, person)
			}
		}
	}
	if c.ambiguous {
		return u, ambiguous, fmt.Sprintf("several active ids of source %q belong to %q, agent %q among them: correct the address of one, or name the person of each in identity.aliases", source, c.person, agent)
	}
	for _, address := range c.addresses {
		if list := p.byEmail[address]; len(list) > 0 {
			return one(list, "address "+address)
		}
	}
	if len(c.addresses) == 0 {
		return u, unmatched, fmt.Sprintf("agent %q of source %q has no e-mail address: read the source's users, or name the person in identity.aliases", agent, source)
	}
	return u, unmatched, fmt.Sprintf("Playvox has no user with the address %s of agent %q: add the user, and send the record again", strings.Join(c.addresses, ", "), agent)
}

// one is the only active user of several.
func one(list []user, by string) (u user, reason, detail string) {
	n := 0
	for _, candidate := range list {
		if candidate.active {
			u = candidate
			n++
		}
	}
	switch n {
	case 0:
		return u, inactive, fmt.Sprintf("the Playvox user with %s is switched off", by)
	case 1:
		return u, "", ""
	}
	return user{}, ambiguous, fmt.Sprintf("%d active Playvox users have %s: switch off all but one", n, by)
}

// refresh reads who there is, at Playvox and at the sources, where that was read so long ago.
func (p *people) refresh(ctx context.Context, now time.Time, users, workers time.Duration) error {
	if p.read.IsZero() || now.Sub(p.read) >= users {
		if err := p.readUsers(ctx); err != nil {
			return err
		}
		p.read = now
	}
	if p.workers != nil && (p.asked.IsZero() || now.Sub(p.asked) >= workers) {
		facts, err := p.workers(ctx)
		if err != nil {
			return fmt.Errorf("read who the sources know: %w", err)
		}
		m := identity.Match(p.tenant, facts, p.aliases)
		p.agents, p.sources, p.asked = claimed(m, p.aliases), map[string]bool{}, now
		for _, source := range m.Sources {
			p.sources[source] = true
		}
	}
	return nil
}

func (p *people) readUsers(ctx context.Context) error {
	byEmail, byID := map[string][]user{}, map[string][]user{}
	err := pages(ctx, p.client, p.o.Path, url.Values{}, func(entry map[string]any) {
		on, said := entry["isActive"].(bool)
		u := user{id: objects.Text(entry["id"]), email: identity.Normal(objects.Text(entry["email"])), active: on || !said}
		if u.email != "" {
			byEmail[u.email] = append(byEmail[u.email], u)
		}
		entries, _ := entry["integrations"].([]any)
		for _, integration := range entries {
			if id := identity.Normal(objects.Text(objects.At(integration, p.o.IntegrationID))); id != "" && p.o.IntegrationID != "" {
				byID[id] = append(byID[id], u)
			}
		}
	})
	if err == nil {
		p.byEmail, p.byID = byEmail, byID
	}
	return err
}

// claimed says whose each id is, and by which addresses the person may be known.
func claimed(m *identity.Matched, aliases identity.Aliases) map[string]*claims {
	others := map[string][]string{}
	for other, person := range aliases {
		others[person] = append(others[person], other)
	}
	agents := map[string]*claims{}
	for n := range m.Persons {
		person := &m.Persons[n]
		addresses := append([]string{identity.Normal(person.Person), identity.Normal(person.Email)}, others[person.Person]...)
		for _, id := range person.IDs {
			addresses = append(addresses, identity.Normal(id.Email))
		}
		for _, id := range person.IDs {
			here := 0
			for _, same := range person.In(id.Source) {
				if same.Here() {
					here++
				}
			}
			c := &claims{person: person.Person, ambiguous: here > 1}
			for _, a := range addresses {
				if strings.Contains(a, "@") {
					c.addresses = append(c.addresses, a)
				}
			}
			for _, name := range []string{id.AgentID, id.WorkerID} {
				if key := id.Source + "\x00" + name; name != "" && (agents[key] == nil || id.Here()) {
					agents[key] = c
				}
			}
		}
	}
	return agents
}

func normal(address string) string { return identity.Normal(address) }

// findWorker is the user of a worker, who may be newer than what was read of the source's workers.
func (p *people) findWorker(ctx context.Context, w *schemas.Worker, agent string) (u user, reason, detail string, err error) {
	u, reason, detail, err = p.find(ctx, w.Source, agent)
	if err == nil && reason == unmatched && w.Email != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		address := normal(w.Email)
		if list := p.byEmail[address]; len(list) > 0 {
			u, reason, detail = one(list, "address "+address)
		}
	}
	return u, reason, detail, err
}
