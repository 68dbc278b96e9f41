package gladly

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// registered is a webhook as the vendor lists it.
type registered struct {
	ID             string   `json:"id"`
	Name           string   `json:"name"`
	URL            string   `json:"url"`
	Events         []string `json:"events"`
	Enabled        bool     `json:"enabled"`
	HasCredentials bool     `json:"hasCredentials"`
	HeaderKeys     []string `json:"headerKeys"`
	DisabledAt     string   `json:"disabledAtDueToRetryLimit"`
}

// hookEvents are what the webhook is to tell. Messages are not among them: they change nothing, and are most of what happens.
var hookEvents = []string{
	"CONTACT/STARTED", "CONTACT/OFFER_ACCEPTED", "CONTACT/TRANSFERRED", "CONTACT/ENDED", "CONVERSATION/CREATED", "CONVERSATION/CLOSED", "CONVERSATION/REOPENED",
}

// desired is the body that registers the webhook.
func (w *Webhook) desired() map[string]any {
	body := map[string]any{"name": w.Name, "url": w.URL, "events": hookEvents}
	if w.Password != "" {
		body["credentials"] = map[string]string{"username": w.Username, "password": w.Password}
	}
	if w.Value != "" {
		body["headers"] = map[string]string{w.Header: w.Value}
	}
	return body
}

// find looks for the webhook: by its name, or by its url, which no two may share. nil where there is none.
func (g *source) findHook(ctx context.Context) (*registered, error) {
	var list []registered
	if _, err := g.client.get(ctx, "webhooks", &list); err != nil {
		return nil, fmt.Errorf("look for the webhook: %w", err)
	}
	w := &g.options.Webhook
	for _, same := range []func(r registered) bool{
		func(r registered) bool { return r.Name == w.Name }, func(r registered) bool { return r.URL == w.URL },
	} {
		if i := slices.IndexFunc(list, same); i >= 0 {
			return &list[i], nil
		}
	}
	return nil, nil
}

// register makes sure that the webhook is there, as it should be, and enabled. Enabling it makes the vendor send a ping, which must be
// answered meanwhile. missed says that it had been disabled, so that deliveries were lost.
func (g *source) register(ctx context.Context) (missed bool, err error) {
	w := &g.options.Webhook
	found, err := g.findHook(ctx)
	if err != nil {
		return false, err
	}
	id := ""
	switch {
	case found == nil:
		header, err := g.client.send(ctx, http.MethodPost, "webhooks", postBudget, w.desired(), nil)
		if err != nil {
			return false, fmt.Errorf("register the webhook %q (an organisation has at most 20): %w", w.Name, err)
		}
		if id, err = idOf(header.Get("Location")); err != nil {
			return false, err
		}
		g.deps.Log.Info("the webhook was registered", "name", w.Name, "url", w.URL)
	case w.differs(found), !found.Enabled: // of one that failed the secrets, which are not shown, may be old ones
		id = found.ID
		if _, err := g.client.send(ctx, http.MethodPatch, "webhooks/"+url.PathEscape(id), patchBudget, w.desired(), nil); err != nil {
			return false, fmt.Errorf("change the webhook %q: %w", w.Name, err)
		}
		g.deps.Log.Info("the webhook was changed to what the options say", "name", w.Name, "url", w.URL)
	default:
		id = found.ID
	}
	if found != nil && found.Enabled {
		return false, nil
	}
	if found != nil && found.DisabledAt != "" {
		g.deps.Log.Warn("the webhook was disabled after deliveries that failed: it is enabled again", "name", w.Name, "since", found.DisabledAt)
	}
	if _, err := g.client.send(ctx, http.MethodPatch, "webhooks/"+url.PathEscape(id), patchBudget, map[string]any{"enabled": true}, nil); err != nil {
		return false, fmt.Errorf("enable the webhook %q, for which Gladly sends a ping to %s: %w", w.Name, w.URL, err)
	}
	return found != nil, nil
}

// differs says whether the webhook is not as it should be, as far as the vendor shows it: what the secrets are it does not say.
func (w *Webhook) differs(r *registered) bool {
	if r.URL != w.URL || r.HasCredentials != (w.Password != "") {
		return true
	}
	if w.Value != "" && !slices.ContainsFunc(r.HeaderKeys, func(k string) bool { return strings.EqualFold(k, w.Header) }) {
		return true
	}
	return slices.ContainsFunc(hookEvents, func(e string) bool { return !slices.Contains(r.Events, e) })
}

// idOf is the id at the end of a location: /api/v1/webhooks/{id}.
func idOf(location string) (string, error) {
	u, err := url.Parse(location)
	if err != nil || location == "" {
		return "", errors.New("the webhook was registered, but the answer has no Location that says its id: it is looked for again")
	}
	return path.Base(u.Path), nil
}
