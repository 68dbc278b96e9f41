package deliverytest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/deliverytest"
)

// The suite's own sink: JSON objects by key, of which the destination refuses those that it finds wrong.
type config struct {
	URL   string `cfg:"url,required" help:"address"`
	Token string `cfg:"token,secret" help:"token"`
	delivery.Options
}

var all = []string{"queue_interval", "agent_queue_interval", "agent_interval", "contact", "agent_state", "worker"}

func registration(change func(d *destination)) sinks.Registration {
	return sinks.Registration{
		Component: spec.Component{Kind: spec.Sink, Type: "plain", New: func() any { return new(config) }},
		Kinds:     func(any) []string { return all },
		Deliver: func(_ context.Context, options any, d sinks.Deps) (sinks.Delivering, error) {
			c := options.(*config)
			client, err := httpcall.New(httpcall.Options{Name: d.Name, Base: c.URL, Attempts: 1, Watch: d.Watch, Log: d.Log, Secrets: []string{c.Token}})
			to := &destination{client: client, token: c.Token}
			if change != nil {
				change(to)
			}
			return sinks.Delivering{
				Destination: to, Plan: delivery.Plan{Kinds: all, Items: 100, Concurrency: 3, ZeroRows: true}, Options: c.Options,
			}, err
		},
	}
}

type destination struct {
	client *httpcall.Client
	token  string
	unsent []delivery.Item
	wrong  string // what it does that none may; empty: nothing
}

type message struct{ Key, Value string }

func (d *destination) Send(ctx context.Context, items []delivery.Item) error {
	var body []message
	switch d.wrong {
	case "goes on when told to end":
		ctx = context.WithoutCancel(ctx)
	case "posts the last request when it is closed":
		items, d.unsent = d.unsent, items
	}
	for n, i := range items {
		if d.wrong == "loses the last of many" && n == 3 {
			break
		}
		for key, value := range shows(i) {
			body = append(body, message{key, value})
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	answer, _, err := d.client.Bytes(ctx, &httpcall.Request{
		Method: http.MethodPost, Path: "rows", Body: text, Header: http.Header{"Authorization": {"Bearer " + d.token}},
	})
	switch d.wrong {
	case "takes failures for success":
		return nil
	case "shows the token":
		if err != nil {
			return fmt.Errorf("token %s: %v", d.token, err) //nolint:errorlint // what it does is wrong
		}
	}
	if err != nil {
		return err
	}
	var refused []int
	if err := json.Unmarshal(answer, &refused); err != nil {
		return fmt.Errorf("the answer cannot be read: %w", err)
	}
	if len(refused) == 0 {
		return nil
	}
	r := &delivery.Refused{}
	for _, n := range refused {
		r.Items = append(r.Items, delivery.RefusedItem{Index: n, Reason: "unknown_queue"})
	}
	return r
}

func (d *destination) Close() error {
	if len(d.unsent) > 0 {
		_ = d.Send(context.Background(), nil)
	}
	d.client.Close()
	return nil
}

// plain holds what it is sent.
type plain struct {
	mu   sync.Mutex
	held map[string]string
}

func (p *plain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	var body []message
	if err != nil || json.Unmarshal(text, &body) != nil || r.Header.Get("Authorization") != "Bearer hunter2" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	refused := []int{}
	for n, m := range body {
		if slices.Contains([]string{"nobody"}, m.Value) {
			refused = append(refused, n)
			continue
		}
		p.held[m.Key] = m.Value
	}
	_ = json.NewEncoder(w).Encode(refused)
}

func (p *plain) Holds() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	held := map[string]string{}
	for k, v := range p.held {
		held[k] = v
	}
	return held
}

func shows(i delivery.Item) map[string]string {
	if i.Queue != nil && i.Queue.QueueID == "nobody" {
		return map[string]string{i.Key: "nobody"}
	}
	return map[string]string{i.Key: fmt.Sprint(i.Revision, " ", i.Final)}
}

func plainCase(r sinks.Registration) deliverytest.Case {
	return deliverytest.Case{
		Registration: r, YAML: "url: ${URL}\ntoken: hunter2\n", Secrets: []string{"hunter2"}, Within: time.Second,
		Destination: func(*testing.T, deliverytest.Setting) deliverytest.Destination {
			p := &plain{held: map[string]string{}}
			return deliverytest.Destination{
				Handler: p, Holds: p.Holds, Shows: shows,
				Poison: func(i *delivery.Item) bool {
					if i.Queue != nil {
						i.Queue.QueueID = "nobody"
					}
					return i.Queue != nil
				},
			}
		},
	}
}

// A scenario is not left out without a word, nor with an empty one, nor where it can be.
func TestNothingIsLeftOut(t *testing.T) {
	if why := os.Getenv(cannotVariable); why != "" {
		c := plainCase(registration(nil))
		name, why, _ := strings.Cut(why, "=")
		c.Cannot = deliverytest.Cannot{name: why}
		if name == "nothing" {
			c.Cannot = nil
			of := c.Destination
			c.Destination = func(t *testing.T, s deliverytest.Setting) deliverytest.Destination {
				d := of(t, s)
				d.Poison = nil
				return d
			}
		}
		deliverytest.Run(t, c)
		return
	}
	f := func(given, want string) {
		t.Run(given, func(t *testing.T) {
			t.Parallel()
			run := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNothingIsLeftOut$/^none$")
			run.Env = append(os.Environ(), cannotVariable+"="+given)
			out, err := run.CombinedOutput()
			if err == nil || !strings.Contains(string(out), want) {
				t.Errorf("%v, and nothing of %q:\n%.2000s", err, want, out)
			}
		})
	}
	f("nothing=", `"poison" is left out`)
	f("poison=it takes anything", `"poison" can be for this sink`)
	f("429=nobody says it", `"429" can be for this sink`)
	f("outage= ", `does not say why there can be no "outage"`)
	f("rain=it is dry", "no scenario")
}

const cannotVariable = "DELIVERYTEST_CANNOT"

const wrongVariable = "DELIVERYTEST_WRONG"

func TestPlain(t *testing.T) {
	deliverytest.Run(t, plainCase(registration(func(d *destination) { d.wrong = os.Getenv(wrongVariable) })))
}

// The suite finds what sinks may do wrong: each is put through it in a process of its own, which has to fail.
func TestWrongSinksAreFound(t *testing.T) {
	if os.Getenv(wrongVariable) != "" {
		t.Skip("in a process of its own")
	}
	f := func(wrong, part, want string) {
		t.Run(wrong, func(t *testing.T) {
			t.Parallel()
			run := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPlain$/"+part)
			run.Env = append(os.Environ(), wrongVariable+"="+wrong)
			out, err := run.CombinedOutput()
			if err == nil || !strings.Contains(string(out), want) {
				t.Errorf("%v, and nothing of %q:\n%.2000s", err, want, out)
			}
		})
	}
	f("takes failures for success", "", "the destination holds")
	f("shows the token", "", "a secret is shown")
	f("goes on when told to end", "", "requests go on")
	f("loses the last of many", "", "the destination holds")
	f("posts the last request when it is closed", "^kill_-9$", "the destination holds")
}

// Every sink that delivers goes through the suite.
func TestEverySinkIsThere(t *testing.T) {
	folders, err := filepath.Glob("../*")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, folder := range folders {
		delivers, tested := false, false
		files, err := filepath.Glob(folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(path, "_test.go") {
				tested = tested || strings.Contains(string(text), "deliverytest.Run(")
			} else {
				delivers = delivers || registered.Match(text)
			}
		}
		if delivers {
			found++
		}
		if delivers && !tested {
			t.Errorf("%s delivers, and no test of it calls deliverytest.Run", folder)
		}
	}
	if found < 6 {
		t.Errorf("%d sinks deliver: this test does not find them", found)
	}
}

// registered is a Registration with a Deliver.
var registered = regexp.MustCompile(`(?m)^\s+Deliver:\s`)
