package gladly

import (
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// hooks are the webhooks and what is to be delivered to them.
type hooks struct {
	mu       sync.Mutex
	list     []*webhook
	made     int
	running  bool
	through  time.Time // what shows by then has been handed out
	due      []*attempt
	underway int
	log      []Delivery
}

type webhook struct {
	id, name, url      string
	events             []string
	enabled            bool
	credentials        *credentials
	headers            map[string]string
	created, updated   time.Time
	since              time.Time // when it was enabled
	disabledByFailures time.Time
}

type credentials struct {
	Username string `json:"username"`
	Password string `json:"password"`
	Realm    string `json:"realm"`
}

// webhookRequest is the body of POST and PATCH.
type webhookRequest struct {
	Name        *string           `json:"name"`
	URL         *string           `json:"url"`
	Events      []string          `json:"events"`
	Enabled     *bool             `json:"enabled"`
	Credentials *credentials      `json:"credentials"`
	Headers     map[string]string `json:"headers"`
}

// webhookRecord is how a webhook is shown: neither its credentials nor the values of its headers.
type webhookRecord struct {
	ID             string   `json:"id"`
	Name           string   `json:"name"`
	URL            string   `json:"url"`
	Events         []string `json:"events"`
	Enabled        bool     `json:"enabled"`
	HasCredentials bool     `json:"hasCredentials"`
	HeaderKeys     []string `json:"headerKeys"`
	CreatedAt      string   `json:"createdAt"`
	UpdatedAt      string   `json:"updatedAt"`
	DisabledAt     string   `json:"disabledAtDueToRetryLimit,omitempty"`
}

func (h *webhook) record() webhookRecord {
	r := webhookRecord{
		ID: h.id, Name: h.name, URL: h.url, Events: h.events, Enabled: h.enabled, HasCredentials: h.credentials != nil, HeaderKeys: []string{},
		CreatedAt: millis(h.created.UnixMilli()), UpdatedAt: millis(h.updated.UnixMilli()),
	}
	for key := range h.headers {
		r.HeaderKeys = append(r.HeaderKeys, key)
	}
	slices.Sort(r.HeaderKeys)
	if !h.disabledByFailures.IsZero() {
		r.DisabledAt = millis(h.disabledByFailures.UnixMilli())
	}
	return r
}

// webhookEvents are the types that a webhook may ask for; those of other entities end in "/" here.
var webhookEvents = []string{
	"AGENT_AVAILABILITY/FOCUS_ENTERED", "AGENT_AVAILABILITY/FOCUS_EXITED", "AGENT_AVAILABILITY/UPDATED", "AGENT_STATUS/", "CONTACT/",
	"CONVERSATION/CLOSED", "CONVERSATION/CREATED", "CONVERSATION/CUSTOM_ATTRIBUTE_ADDED", "CONVERSATION/CUSTOM_ATTRIBUTE_REMOVED",
	"CONVERSATION/NOTE_CREATED", "CONVERSATION/REOPENED", "CONVERSATION/TOPIC_ADDED", "CONVERSATION/TOPIC_REMOVED",
	"CONVERSATION_ASSIGNEE/UPDATED", "CONVERSATION_STATUS/UPDATED", "CUSTOMER/MERGED", "CUSTOMER_PROFILE/", "EXPORT_JOB/", "PAYMENT_REQUEST/", "TASK/",
}

func knownEvent(kind string) bool {
	return slices.ContainsFunc(webhookEvents, func(k string) bool {
		return kind == k || strings.HasSuffix(k, "/") && strings.HasPrefix(kind, k) && len(kind) > len(k)
	})
}

func (s *Server) listWebhooks(w http.ResponseWriter, _ *http.Request) {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	list := []webhookRecord{}
	for _, h := range s.hooks.list {
		list = append(list, h.record())
	}
	respond(w, http.StatusOK, list)
}

func (s *Server) showWebhook(w http.ResponseWriter, r *http.Request) {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	if h := s.hooks.find(r.PathValue("id")); h != nil {
		respond(w, http.StatusOK, h.record())
		return
	}
	absent(w, "webhook")
}

func (h *hooks) find(id string) *webhook {
	for _, w := range h.list {
		if w.id == id {
			return w
		}
	}
	return nil
}

// addWebhook makes a webhook, which is disabled at first.
func (s *Server) addWebhook(w http.ResponseWriter, r *http.Request) {
	var ask webhookRequest
	if !read(w, r, &ask) {
		return
	}
	now := s.watch.Now()
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	h := &webhook{created: now, updated: now}
	problems := s.apply(h, &ask)
	for _, attr := range []struct {
		name  string
		blank bool
	}{{"name", ask.Name == nil}, {"url", ask.URL == nil}, {"events", len(ask.Events) == 0}} {
		if attr.blank {
			problems = append(problems, problem{attr.name, "blank", attr.name + " must be present"})
		}
	}
	if len(s.hooks.list) >= webhooksAtMost {
		problems = append(problems, problem{"webhook", "invalid", "an organization may have 20 webhooks"})
	}
	if len(problems) > 0 {
		refuse(w, http.StatusBadRequest, problems...)
		return
	}
	s.hooks.made++
	h.id = s.centre.Slug("webhook", h.url, base64.RawURLEncoding.EncodeToString([]byte{byte(s.hooks.made)}))
	s.hooks.list = append(s.hooks.list, h)
	w.Header().Set("Location", "/api/v1/webhooks/"+h.id)
	w.WriteHeader(http.StatusCreated)
}

// apply takes over what a request says, all but enabled.
func (s *Server) apply(h *webhook, ask *webhookRequest) (problems []problem) {
	if ask.Name != nil {
		if h.name = *ask.Name; len(h.name) > 200 {
			problems = append(problems, problem{"name", "too_long", "name must not be longer than 200 characters"})
		}
	}
	if ask.URL != nil {
		h.url = *ask.URL
		if !s.acceptable(h.url) {
			problems = append(problems, problem{"url", "invalid", "url must be an https URL"})
		}
		for _, o := range s.hooks.list {
			if o.id != h.id && o.url == h.url {
				problems = append(problems, problem{"url", "taken", "url is that of another webhook"})
			}
		}
	}
	for _, kind := range ask.Events {
		if !knownEvent(kind) {
			problems = append(problems, problem{"events", "invalid", kind + " is not an event that webhooks receive"})
		}
	}
	if len(ask.Events) > 0 {
		h.events = ask.Events
	}
	if ask.Credentials != nil {
		h.credentials = ask.Credentials
	}
	if ask.Headers != nil {
		h.headers = ask.Headers
	}
	return problems
}

// acceptable says whether Gladly would call a URL.
func (s *Server) acceptable(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && local && s.options.Loopback
}

// changeWebhook takes over what a request says. A webhook that is enabled, or that is and moves, must answer a ping first.
func (s *Server) changeWebhook(w http.ResponseWriter, r *http.Request) {
	var ask webhookRequest
	if !read(w, r, &ask) {
		return
	}
	s.hooks.mu.Lock()
	old := s.hooks.find(r.PathValue("id"))
	if old == nil {
		s.hooks.mu.Unlock()
		absent(w, "webhook")
		return
	}
	h := *old
	problems := s.apply(&h, &ask)
	s.hooks.mu.Unlock()
	if len(problems) > 0 {
		refuse(w, http.StatusBadRequest, problems...)
		return
	}
	if ask.Enabled != nil {
		h.enabled = *ask.Enabled
	}
	if h.enabled && (!old.enabled || h.url != old.url) && !s.ping(r.Context(), &h) {
		invalid(w, "url", "invalid", "the webhook did not answer the ping with a status of 2XX in time")
		return
	}
	now := s.watch.Now()
	h.updated = now
	if h.enabled && !old.enabled {
		h.since, h.disabledByFailures = now, time.Time{}
	}
	s.hooks.mu.Lock()
	*old = h
	if !h.enabled {
		s.hooks.forget(h.id)
	}
	s.hooks.mu.Unlock()
	if h.enabled {
		s.deliver()
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) dropWebhook(w http.ResponseWriter, r *http.Request) {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	h := s.hooks.find(r.PathValue("id"))
	switch {
	case h == nil:
		absent(w, "webhook")
	case h.enabled:
		invalid(w, "enabled", "invalid_state", "a webhook must be disabled before it is deleted")
	default:
		s.hooks.list = slices.DeleteFunc(s.hooks.list, func(o *webhook) bool { return o == h })
		s.hooks.forget(h.id)
		w.WriteHeader(http.StatusNoContent)
	}
}
