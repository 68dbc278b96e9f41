package gladly

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/schemas"
)

// agent is a person as GET /agents lists them. Whether those who left are listed is not documented.
type agent struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"emailAddress"`
}

// inbox is a queue as GET /inboxes lists it.
type inbox struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// directory knows the names behind ids. Facts carry names for people, and a fact whose name changes is a new revision: so the names are
// known before the first fact.
type directory struct {
	client *client
	mu     sync.Mutex
	loaded bool
	agents map[string]string
	inbox  map[string]string
}

// load fetches the names unless that was done.
func (d *directory) load(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.loaded {
		return nil
	}
	_, err := d.fetch(ctx)
	return err
}

// refresh fetches the names and returns the people.
func (d *directory) refresh(ctx context.Context) ([]agent, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fetch(ctx)
}

func (d *directory) fetch(ctx context.Context) ([]agent, error) {
	var agents []agent
	if _, err := d.client.get(ctx, "agents", &agents); err != nil {
		return nil, err
	}
	names := make(map[string]string, len(agents))
	for _, a := range agents {
		names[a.ID] = a.Name
	}
	var inboxes []inbox
	if _, err := d.client.get(ctx, "inboxes", &inboxes); err != nil && status(err) != http.StatusNotFound && status(err) != http.StatusForbidden {
		return nil, err
	}
	inbox := make(map[string]string, len(inboxes))
	for _, i := range inboxes {
		inbox[i.ID] = i.Name
	}
	d.agents, d.inbox, d.loaded = names, inbox, true
	return agents, nil
}

func (d *directory) agent(id string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.agents[id]
}

func (d *directory) queue(id string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.inbox[id]
}

func (g *source) agentsFlow() flow.Flow {
	return flow.Flow{
		Name: "agents", Facts: []string{"worker"}, Schedule: schedule(g.options.Streams.Agents.Every), Replaces: false, Read: g.readAgents,
	}
}

// readAgents hands over who the people are. One who is no longer listed stays known: facts of the past are about them.
func (g *source) readAgents(ctx context.Context, r *flow.Read) error {
	agents, err := g.directory.refresh(ctx)
	if err != nil {
		return err
	}
	for _, a := range agents {
		if a.ID == "" {
			if err := g.reject(ctx, r, "worker", "GET /agents", `has no "id"`, []byte(a.Name)); err != nil {
				return err
			}
			continue
		}
		err := r.Worker(ctx, &schemas.Worker{
			WorkerID: a.ID, AgentID: a.ID, Name: a.Name, Email: strings.ToLower(strings.TrimSpace(a.Email)), System: "gladly", Active: true,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
