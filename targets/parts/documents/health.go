package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"sync"
	"time"
	"unsafe"

	"github.com/FerretDB/FerretDB/ferretdb"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
)

// health answers /live, /ready and /metrics.
type health struct {
	stopping context.Context //nolint:containedctx // it is a state here: ended means that the gateway is stopping
	watch    *watch
	relay    *relay
	registry *prometheus.Registry

	mutex  sync.Mutex
	client *mongo.Client // nil until clients are let in
}

func newHealth(stopping context.Context, w *watch, r *relay) *health {
	h := &health{stopping: stopping, watch: w, relay: r, registry: prometheus.NewRegistry()}
	number := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "gateway", Name: name, Help: help}, value)
	}
	counter := func(name, help string, value func() int64) prometheus.Collector {
		options := prometheus.CounterOpts{Namespace: "gateway", Name: name, Help: help}
		return prometheus.NewCounterFunc(options, func() float64 { return float64(value()) })
	}
	h.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		number("ready", "1 when clients are let in and PostgreSQL confirms writes.", func() float64 { return one(h.ready() == "") }),
		number("primary_known", "1 when one PostgreSQL is the primary.", func() float64 { return one(w.current() != "") }),
		number("writes_confirmed", "1 when a write was confirmed within the last second or so.",
			func() float64 { return one(w.takesWrites()) }),
		number("write_seconds", "How long the last write of the gateway's own took.", func() float64 {
			w.mutex.Lock()
			defer w.mutex.Unlock()
			return w.wroteIn.Seconds()
		}),
		number("postgres_connections", "Connections that lead to the primary.", func() float64 { return float64(r.connections()) }),
		counter("postgres_refused_total", "Connections that could not be made, for want of a primary.", r.refused.Load),
		counter("postgres_cut_total", "Connections broken because another server became the primary.", r.cut.Load),
		counter("unconfirmed_commits_total", "Commits that no standby confirmed, reported as failures.", r.unconfirmed.Load),
	)
	return h
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// started tells that clients are let in.
func (h *health) started(client *mongo.Client, gateway *ferretdb.FerretDB, log *slog.Logger) {
	h.mutex.Lock()
	h.client = client
	h.mutex.Unlock()
	// FerretDB has metrics, and its embeddable package keeps them to itself.
	field := reflect.ValueOf(gateway).Elem().FieldByName("l")
	if field.IsValid() {
		inside := reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Interface()
		if metrics, ok := inside.(prometheus.Collector); ok && h.registry.Register(metrics) == nil {
			return
		}
	}
	log.Warn("FerretDB's own metrics cannot be had")
}

// ready returns why the gateway is not, "" if it is.
func (h *health) ready() string {
	h.mutex.Lock()
	client := h.client
	h.mutex.Unlock()
	switch {
	case h.stopping.Err() != nil:
		return "stopping"
	case client == nil:
		return "clients are not let in yet"
	case h.watch.current() == "":
		return "there is no primary"
	case !h.watch.takesWrites():
		return "writes are not confirmed"
	}
	return ""
}

// live returns why the gateway is not. It asks FerretDB for what needs no PostgreSQL.
func (h *health) live(ctx context.Context) string {
	h.mutex.Lock()
	client := h.client
	h.mutex.Unlock()
	if client == nil {
		return ""
	}
	limited, done := context.WithTimeout(ctx, patience)
	defer done()
	if err := client.Database("admin").RunCommand(limited, bson.D{{Key: "hello", Value: 1}}).Err(); err != nil {
		return err.Error()
	}
	return ""
}

func (h *health) serve(ctx context.Context, address string, log *slog.Logger) {
	routes := http.NewServeMux()
	answer := func(why string, w http.ResponseWriter) {
		if why != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
		} else {
			why = "ok"
		}
		_, _ = fmt.Fprintln(w, why)
	}
	routes.HandleFunc("/live", func(w http.ResponseWriter, r *http.Request) { answer(h.live(r.Context()), w) })
	routes.HandleFunc("/ready", func(w http.ResponseWriter, _ *http.Request) { answer(h.ready(), w) })
	routes.Handle("/metrics", promhttp.HandlerFor(h.registry, promhttp.HandlerOpts{}))
	server := http.Server{Addr: address, Handler: routes, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); err != nil && ctx.Err() == nil {
		log.Error("health cannot be asked", "reason", err.Error())
	}
}
