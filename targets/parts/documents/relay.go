package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// relay stands between FerretDB's pool and PostgreSQL, in this process: FerretDB takes its pool's settings from a URL only, and
// what pgx makes of several hosts there does not do. It looks all names up, one after the other, before it tries any; it
// never leaves a primary that became a standby or fell silent, as no bound can be set on a connection in use; and it takes a
// COMMIT that no standby confirmed for a success.
type relay struct {
	log     *slog.Logger
	primary func() string
	folder  string        // of the socket
	bound   time.Duration // of one answer

	listener    net.Listener
	mutex       sync.Mutex
	open        map[*pair]struct{}
	refused     atomic.Int64
	cut         atomic.Int64
	unconfirmed atomic.Int64
}

type pair struct {
	here, there net.Conn
	address     string
	busySince   atomic.Int64            // ns; 0 while nothing is asked for
	cancelKey   atomic.Pointer[[8]byte] // with which the server lets itself be told to cancel what this connection does
	cancelled   atomic.Bool
}

func (p *pair) close() {
	_ = p.here.Close()
	_ = p.there.Close()
}

// Write passes on what a client asks.
func (p *pair) Write(message []byte) (int, error) {
	p.busySince.CompareAndSwap(0, time.Now().UnixNano())
	return p.there.Write(message)
}

// cancel tells the server to give up what it does for this connection, over another one, as the protocol has it.
func (p *pair) cancel(ctx context.Context) {
	key := p.cancelKey.Load()
	if key == nil {
		p.close()
		return
	}
	other, err := dial(ctx, "tcp", p.address)
	if err != nil {
		p.close()
		return
	}
	defer other.Close()
	_, _ = other.Write(append([]byte{0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e}, key[:]...))
}

func newRelay(folder string, bound time.Duration, log *slog.Logger, primary func() string) (*relay, error) {
	listener, err := net.Listen("unix", filepath.Join(folder, ".s.PGSQL.5432")) // the name that PostgreSQL's clients look for
	if err != nil {
		return nil, err
	}
	return &relay{
		log: log, primary: primary, folder: folder, bound: bound, listener: listener, open: map[*pair]struct{}{},
	}, nil
}

func (r *relay) run(ctx context.Context) {
	go func() {
		<-ctx.Done()
		_ = r.listener.Close()
		_ = os.RemoveAll(r.folder)
	}()
	go r.endWhatHangs(ctx)
	for {
		here, err := r.listener.Accept()
		if err != nil {
			return
		}
		go r.serve(ctx, here)
	}
}

// leaveAllBut breaks the connections that lead to another server than the primary.
func (r *relay) leaveAllBut(address string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for one := range r.open {
		if one.address != address {
			one.close()
			r.cut.Add(1)
		}
	}
}

// endWhatHangs keeps a COMMIT that no standby confirms from holding a connection for good: with all of them held, nobody could even
// read. A time-out of the statement does not do it, PostgreSQL has it end before that wait.
func (r *relay) endWhatHangs(ctx context.Context) {
	for ; ctx.Err() == nil; pause(ctx, lookEvery) {
		r.mutex.Lock()
		var late []*pair
		for one := range r.open {
			since := one.busySince.Load()
			if since != 0 && time.Since(time.Unix(0, since)) > r.bound {
				late = append(late, one)
			}
		}
		r.mutex.Unlock()
		for _, one := range late {
			if one.cancelled.Swap(true) { // it did not help
				one.close()
				continue
			}
			go one.cancel(ctx)
		}
	}
}

func (r *relay) connections() int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return len(r.open)
}

func (r *relay) serve(ctx context.Context, here net.Conn) {
	defer here.Close()
	address := r.primary()
	if address == "" {
		r.refused.Add(1)
		return
	}
	there, err := dial(ctx, "tcp", address)
	if err != nil {
		r.refused.Add(1)
		return
	}
	one := &pair{here: here, there: there, address: address}
	r.mutex.Lock()
	r.open[one] = struct{}{}
	r.mutex.Unlock()
	defer func() {
		one.close()
		r.mutex.Lock()
		delete(r.open, one)
		r.mutex.Unlock()
	}()
	if r.primary() != address { // it changed before this connection could be seen by leaveAllBut
		return
	}
	go func() {
		_, _ = io.Copy(one, here)
		one.close()
	}()
	if err := passAnswers(one); errors.Is(err, errUnconfirmed) {
		r.unconfirmed.Add(1)
		r.log.Warn("a COMMIT was not confirmed by the standbys", "address", address)
	}
}

var errUnconfirmed = errors.New("committed on the primary alone")

// passAnswers copies a server's messages, and stops before the one that warns of a COMMIT that is not replicated: the success that
// follows must not be seen. Whoever asked then learns that the connection broke, and knows nothing, which is the truth.
func passAnswers(p *pair) error {
	reader, writer := bufio.NewReaderSize(p.there, 32<<10), bufio.NewWriterSize(p.here, 32<<10)
	for {
		header, err := reader.Peek(5) // kind, and length without the kind
		if err != nil {
			return errors.Join(err, writer.Flush())
		}
		size := int64(binary.BigEndian.Uint32(header[1:5])) + 1
		if kind := header[0]; (kind == 'N' || kind == 'K' || kind == 'Z') && size < 16<<10 {
			message, err := reader.Peek(int(size))
			if err != nil {
				return err
			}
			switch {
			case kind == 'K' && size == 13:
				p.cancelKey.Store((*[8]byte)(bytes.Clone(message[5:])))
			case kind == 'Z': // ready for the next question, which can only come after this
				p.busySince.Store(0)
			case bytes.Contains(message, []byte("wait for synchronous replication")):
				return errUnconfirmed
			}
		}
		if _, err := io.CopyN(writer, reader, size); err != nil {
			return err
		}
		if reader.Buffered() == 0 {
			if err := writer.Flush(); err != nil {
				return err
			}
		}
	}
}
