// documents is a gateway that speaks MongoDB's protocol and keeps everything in PostgreSQL: FerretDB 1.24 from its released Go
// module, by its embeddable package, with what it lacks beside PostgreSQL servers that take over from one another.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/FerretDB/FerretDB/ferretdb"
	"go.mongodb.org/mongo-driver/mongo"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	slog.SetDefault(log)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, log); err != nil {
		log.Error("the gateway ends", "reason", err.Error())
		os.Exit(1)
	}
}

// run serves until ctx ends: the way to PostgreSQL first, then the collections, then clients. Until then they are refused, and
// so go to another gateway at once.
func run(ctx context.Context, log *slog.Logger) error {
	s, err := readSettings()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "documents")
	if err != nil {
		return err
	}
	var r *relay
	w := newWatch(s, log, func(address string) { r.leaveAllBut(address) })
	if r, err = newRelay(folder, s.statement+lookEvery, log, w.current); err != nil {
		return err
	}
	// What leads to PostgreSQL outlives the signal: requests in flight need it.
	below, end := context.WithCancel(context.Background())
	defer end()
	go r.run(below)
	go w.run(below)
	h := newHealth(ctx, w, r)
	go h.serve(below, s.health, log)

	quiet := slog.New(atLeast{log.Handler(), slog.LevelWarn})
	for {
		limited, done := context.WithTimeout(ctx, 15*time.Second)
		err := makeCollections(limited, w, s, s.through(folder), quiet)
		done()
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil
		}
		log.Info("the collections cannot be made yet", "reason", err.Error())
		pause(ctx, lookEvery)
	}
	return serve(ctx, s, folder, h, log, quiet)
}

// serve lets clients in until ctx ends; those that are connected then have 3 s to finish.
func serve(ctx context.Context, s *settings, folder string, h *health, log, quiet *slog.Logger) error {
	socket := filepath.Join(folder, "ferretdb.sock")
	gateway, err := ferretdb.New(&ferretdb.Config{
		Listener: ferretdb.ListenerConfig{TCP: s.listen, Unix: socket}, Handler: "postgresql",
		PostgreSQLURL: s.through(folder), Logger: quiet,
	})
	if err != nil {
		return err
	}
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	client, err := mongo.Connect(ctx, clientOptions(socket))
	if err != nil {
		return err
	}
	go func() {
		if err := seesAll(running, client, s); err != nil && running.Err() == nil {
			stop(err)
			return
		}
		h.started(client, gateway, log)
	}()
	log.Info("clients are let in", "listen", s.listen, "hosts", s.hosts)
	if err := gateway.Run(running); err != nil {
		return err
	}
	if cause := context.Cause(running); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// seesAll makes FerretDB read its list of collections, and looks at what it read: a failure half-way leaves it with an incomplete
// list for good.
func seesAll(ctx context.Context, client *mongo.Client, s *settings) error {
	for _, one := range s.collections {
		for {
			names, err := client.Database(one.database).ListCollectionNames(ctx, map[string]any{"name": one.name})
			if err == nil && len(names) == 0 {
				return fmt.Errorf("this gateway does not see %s.%s and has to start again", one.database, one.name)
			}
			if err == nil || ctx.Err() != nil {
				break
			}
			pause(ctx, lookEvery)
		}
	}
	return nil
}

// atLeast is a log handler that leaves out what matters less: FerretDB tells of every connection.
type atLeast struct {
	slog.Handler
	level slog.Level
}

func (a atLeast) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= a.level && a.Handler.Enabled(ctx, level)
}

func (a atLeast) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeast{a.Handler.WithAttrs(attrs), a.level}
}

func (a atLeast) WithGroup(name string) slog.Handler {
	return atLeast{a.Handler.WithGroup(name), a.level}
}
