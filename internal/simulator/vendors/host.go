package vendors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/calabrio"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	"github.com/quarterhour/quarterhour/internal/simulator/five9"
	"github.com/quarterhour/quarterhour/internal/simulator/gladly"
	"github.com/quarterhour/quarterhour/internal/simulator/iservice"
	"github.com/quarterhour/quarterhour/internal/simulator/sqs"
)

// Options say who is served, and where.
type Options struct {
	Centre   *centre.Centre
	Watch    clock.Watch
	Clock    string // of the watch, as clock.FormatFast writes it: for those who ask; "" where the watch is none of clock's
	Addr     string // "127.0.0.1:0" if empty
	Five9    five9.Options
	Gladly   gladly.Options
	IService iservice.Options
	Calabrio calabrio.Options
	Outages  []Outage
	Log      *slog.Logger
}

// vendor is one simulated system.
type vendor interface {
	http.Handler
	Violations() []string
	Truth(r simulator.Rules, through time.Time) simulator.Truth
}

// Host serves the vendors. Safe for concurrent use.
type Host struct {
	// Those that the centre has; nil otherwise.
	Five9    *five9.Server
	Gladly   *gladly.Server
	IService *iservice.Server
	// Destinations, which every host has.
	Calabrio *calabrio.Server
	SQS      *sqs.Server

	o       Options
	server  *http.Server
	url     string
	vendors map[centre.Vendor]vendor
	secrets map[centre.Vendor][][2]string // further variables of a vendor or destination
	closers []func() error
	done    chan struct{}
	failed  error

	destinations map[centre.Vendor]destination
	requests     map[centre.Vendor]*atomic.Int64

	mu      sync.Mutex
	outages []Outage
}

// Start serves until ctx ends or Close.
func Start(ctx context.Context, o Options) (*Host, error) {
	h := &Host{o: o, vendors: map[centre.Vendor]vendor{}, secrets: map[centre.Vendor][][2]string{}, requests: map[centre.Vendor]*atomic.Int64{}, done: make(chan struct{})}
	if err := h.open(); err != nil {
		return nil, err
	}
	for _, outage := range o.Outages {
		if err := h.Fail(outage); err != nil {
			return nil, fmt.Errorf("outage of vendor %q: %w", outage.Vendor, err)
		}
	}
	addr := o.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("the simulated vendors cannot listen on %q: %w", addr, err)
	}
	h.url = "http://" + listener.Addr().String()
	h.server = &http.Server{Handler: h.routes(), ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(h.log().Handler(), slog.LevelDebug)}
	go func() {
		defer close(h.done)
		if err := h.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			h.failed = err
		}
	}()
	context.AfterFunc(ctx, func() { _ = h.server.Close() })
	return h, nil
}

func (h *Host) log() *slog.Logger {
	if h.o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return h.o.Log
}

// open makes the vendors that the centre has.
func (h *Host) open() (err error) {
	if _, ok := h.o.Centre.Sizes[centre.Five9]; ok {
		if h.Five9, err = five9.New(h.o.Centre, h.o.Watch, h.o.Five9); err != nil {
			return err
		}
		h.vendors[centre.Five9] = h.Five9
		h.secrets[centre.Five9] = [][2]string{
			{"FIVE9_USER", cmp.Or(h.o.Five9.User, five9.User)}, {"FIVE9_PASSWORD", cmp.Or(h.o.Five9.Password, five9.Password)},
			{"FIVE9_SUPERVISOR", five9.Supervisor}, {"FIVE9_SUPERVISOR_PASSWORD", five9.Password},
		}
	}
	if _, ok := h.o.Centre.Sizes[centre.Gladly]; ok {
		o := h.o.Gladly
		o.Host, o.Loopback, o.Email, o.Token = "/gladly", true, cmp.Or(o.Email, "api@example.test"), cmp.Or(o.Token, "gladly-token")
		h.Gladly = gladly.New(h.o.Centre, h.o.Watch, o)
		h.vendors[centre.Gladly] = h.Gladly
		h.secrets[centre.Gladly] = [][2]string{{"GLADLY_EMAIL", o.Email}, {"GLADLY_TOKEN", o.Token}}
		h.closers = append(h.closers, h.Gladly.Close)
	}
	if _, ok := h.o.Centre.Sizes[centre.IService]; ok {
		o := h.o.IService
		o.Username, o.Password = cmp.Or(o.Username, "api@example.test"), cmp.Or(o.Password, "iservice-password")
		h.IService = iservice.New(h.o.Centre, h.o.Watch, o)
		h.vendors[centre.IService] = h.IService
		h.secrets[centre.IService] = [][2]string{{"ISERVICE_USER", o.Username}, {"ISERVICE_PASSWORD", o.Password}}
	}
	for v := range h.vendors {
		h.requests[v] = &atomic.Int64{}
	}
	h.openDestinations()
	return nil
}

// URL is where the host is reached; a vendor is below it.
func (h *Host) URL() string { return h.url }

// VendorURL is what a source takes as the vendor's address.
func (h *Host) VendorURL(v centre.Vendor) string { return h.url + "/" + string(v) }

// Requests is how many requests a vendor had, and false where there is no such vendor.
func (h *Host) Requests(v centre.Vendor) (int64, bool) {
	n, ok := h.requests[v]
	if !ok {
		return 0, false
	}
	return n.Load(), true
}

// Variables are the names and values of the environment variables by which pipelines reach the vendors.
func (h *Host) Variables() (list [][2]string) {
	if h.o.Clock != "" {
		list = append(list, [2]string{clock.FastVariable, h.o.Clock})
	}
	for _, v := range centre.Vendors {
		if _, ok := h.vendors[v]; ok {
			list = append(list, [2]string{strings.ToUpper(string(v)) + "_URL", h.VendorURL(v)})
			list = append(list, h.secrets[v]...)
		}
	}
	for _, d := range h.destinationNames() {
		list = append(list, [2]string{strings.ToUpper(string(d)) + "_URL", h.VendorURL(d)})
		list = append(list, h.secrets[d]...)
	}
	return list
}

// Done is closed when nothing is served any more.
func (h *Host) Done() <-chan struct{} { return h.done }

// Close ends all calls that are under way and all deliveries.
func (h *Host) Close() error {
	err := h.server.Close()
	for _, c := range h.closers {
		err = errors.Join(err, c())
	}
	<-h.done
	return errors.Join(err, h.failed)
}

// Violations are those of all vendors and destinations.
func (h *Host) Violations() (list []string) {
	for _, v := range centre.Vendors {
		if v, ok := h.vendors[v]; ok {
			list = append(list, v.Violations()...)
		}
	}
	for _, d := range h.destinationNames() {
		list = append(list, h.destinations[d].Violations()...)
	}
	return list
}

// Truth is what the tables must say of sources that read these vendors, all of them where none is named.
func (h *Host) Truth(r simulator.Rules, through time.Time, vendors ...centre.Vendor) simulator.Truth {
	if len(vendors) == 0 {
		vendors = centre.Vendors
	}
	var t simulator.Truth
	for _, name := range vendors {
		if v, ok := h.vendors[name]; ok {
			t.Add(v.Truth(r, through))
		}
	}
	return t
}
