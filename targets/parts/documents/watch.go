package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"
)

const (
	lookEvery  = 500 * time.Millisecond
	patience   = time.Second     // how long an answer may take
	stale      = 3 * time.Second // how long one is believed
	writeEvery = time.Second
)

// dial connects within a second. Whoever falls silent afterwards is gone after 3 s (unanswered data) to 5 s (nothing to
// say); left to itself, TCP takes a quarter of an hour.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{
		Timeout:         patience,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 2 * time.Second, Interval: time.Second, Count: 3},
		Control: func(_, _ string, raw syscall.RawConn) error {
			var failed error
			err := raw.Control(func(fd uintptr) {
				failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 3000)
			})
			return errors.Join(err, failed)
		},
	}
	return dialer.DialContext(ctx, network, address)
}

// postgres is one server as last seen.
type postgres struct {
	host    string // host:port, as given
	address string // IP:port that answered
	primary bool
	since   time.Time // when it became the primary
	seen    time.Time // when it last answered
	why     string    // it does not
}

// watch knows which PostgreSQL is the primary, and whether it takes writes. Each server is asked over a connection of its own,
// so that a name that cannot be looked up, or a host that swallows packets, holds up nobody else.
type watch struct {
	settings *settings
	log      *slog.Logger
	changed  func(address string) // called with the new primary's address

	mutex    sync.Mutex
	servers  []*postgres
	primary  string // address of the current one, "" if none
	writable bool
	wrote    time.Time
	wroteIn  time.Duration
}

func newWatch(s *settings, log *slog.Logger, changed func(string)) *watch {
	w := &watch{settings: s, log: log, changed: changed}
	for _, host := range s.hosts {
		w.servers = append(w.servers, &postgres{host: host})
	}
	return w
}

func (w *watch) run(ctx context.Context) {
	var all sync.WaitGroup
	for _, server := range w.servers {
		all.Add(1)
		go func() {
			defer all.Done()
			w.look(ctx, server)
		}()
	}
	w.write(ctx)
	all.Wait()
}

// current returns the primary's address, "" while there is none.
func (w *watch) current() string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.primary
}

// takesWrites tells whether a write was confirmed just now, by as many servers as the cluster asks for.
func (w *watch) takesWrites() bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.primary != "" && w.writable && time.Since(w.wrote) < stale
}

// connect makes a connection for questions of our own, without the time-out of a statement.
func (w *watch) connect(ctx context.Context, address string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(w.settings.at(address))
	if err != nil {
		return nil, err
	}
	config.DialFunc = dial
	config.ConnectTimeout = patience
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	for _, name := range []string{"statement_timeout", "plan_cache_mode", "pool_max_conns", "pool_max_conn_idle_time"} {
		delete(config.RuntimeParams, name)
	}
	config.RuntimeParams["application_name"] = "documents-gateway"
	return pgx.ConnectConfig(ctx, config)
}

// look asks one server again and again what it is.
func (w *watch) look(ctx context.Context, server *postgres) {
	var connection *pgx.Conn
	for ; ctx.Err() == nil; pause(ctx, lookEvery) {
		var primary bool
		asked, done := context.WithTimeout(ctx, 2*patience)
		err := error(nil)
		if connection == nil {
			connection, err = w.connect(asked, server.host)
		}
		if err == nil {
			limited, end := context.WithTimeout(asked, patience)
			err = connection.QueryRow(limited,
				"SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'").Scan(&primary)
			end()
		}
		done()
		if err != nil {
			if connection != nil {
				drop(connection)
				connection = nil
			}
			w.note(server, "", false, err)
			continue
		}
		w.note(server, connection.PgConn().Conn().RemoteAddr().String(), primary, nil)
	}
	if connection != nil {
		drop(connection)
	}
}

// note writes down what was seen of a server, and decides anew which one is the primary: of several that say so, the one that
// began last.
func (w *watch) note(server *postgres, address string, primary bool, err error) {
	w.mutex.Lock()
	now := time.Now()
	if err != nil {
		if server.why == "" {
			w.log.Warn("PostgreSQL does not answer", "host", server.host, "reason", err.Error())
		}
		server.why = err.Error()
	} else {
		if primary && (!server.primary || server.address != address) {
			server.since = now
		}
		server.why, server.seen, server.primary, server.address = "", now, primary, address
	}
	best := ""
	var since time.Time
	for _, one := range w.servers {
		if one.primary && now.Sub(one.seen) < stale && one.since.After(since) {
			best, since = one.address, one.since
		}
	}
	before := w.primary
	w.primary = best
	w.mutex.Unlock()
	if best != before {
		w.log.Info("the primary is another one", "address", best, "before", before)
		w.changed(best)
	}
}

// write proves, once a second, that the primary takes writes: a record in its log, nothing in any table. Where as many standbys
// as the cluster asks for do not confirm, the COMMIT hangs; it is then waited for, instead of sending more after it.
func (w *watch) write(ctx context.Context) {
	var connection *pgx.Conn
	var to string
	for ; ctx.Err() == nil; pause(ctx, writeEvery) {
		address := w.current()
		if connection != nil && to != address {
			drop(connection)
			connection = nil
		}
		if address == "" {
			w.confirm(false, 0)
			continue
		}
		if connection == nil {
			var err error
			limited, done := context.WithTimeout(ctx, patience)
			connection, err = w.connect(limited, address)
			done()
			if err != nil {
				w.confirm(false, 0)
				continue
			}
			to = address
		}
		if !w.wroteTo(ctx, connection, address) {
			drop(connection)
			connection = nil
		}
	}
}

// wroteTo writes once and waits for it as long as that server is the primary. It returns false when the connection broke.
func (w *watch) wroteTo(ctx context.Context, connection *pgx.Conn, address string) bool {
	began := time.Now()
	ended := make(chan error, 1)
	held, release := context.WithCancel(ctx)
	defer release()
	go func() {
		_, err := connection.Exec(held, "SELECT pg_logical_emit_message(true, 'documents', '')")
		ended <- err
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			w.confirm(err == nil, time.Since(began))
			return err == nil
		case <-late.C:
			w.confirm(false, time.Since(began))
		case <-look.C:
			if w.current() != address {
				release()
				<-ended
				return false
			}
		}
	}
}

func (w *watch) confirm(writable bool, took time.Duration) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if writable != w.writable {
		w.log.Info("writes", "confirmed", writable)
	}
	w.writable, w.wroteIn = writable, took
	if writable {
		w.wrote = time.Now()
	}
}

func drop(connection *pgx.Conn) {
	at, done := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer done()
	_ = connection.Close(at)
}

func pause(ctx context.Context, how time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(how):
	}
}
