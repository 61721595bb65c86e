package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/FerretDB/FerretDB/ferretdb"
	"github.com/jackc/pgx/v5"
	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

// FerretDB reads the list of collections once, at its first request. A gateway that did so before another one made a collection would
// answer every question about it with "nothing there", and can never make it itself. So the collections are made before
// the first client is let in, by one gateway at a time.
//
// Making one takes several transactions; if the primary is lost in between, a collection may be left behind without the index
// that keeps its ids unique. Such a one is made again, as long as nothing is in it.

const schemaLock = 0x646f6373 // any number that nobody else locks in this database: 'docs'

// makeCollections returns when all collections are there with their indexes.
func makeCollections(ctx context.Context, w *watch, s *settings, relayURL string, log *slog.Logger) error {
	address := w.current()
	if address == "" {
		return errors.New("there is no primary")
	}
	connection, err := w.connect(ctx, address)
	if err != nil {
		return err
	}
	defer drop(connection) // gives the lock back
	if _, err := connection.Exec(ctx, fmt.Sprintf("SELECT pg_advisory_lock(%d)", schemaLock)); err != nil {
		return err
	}
	for _, one := range s.collections {
		table, err := one.table(ctx, connection)
		if err != nil {
			return err
		}
		if table == "" {
			if err := one.clear(ctx, connection); err != nil {
				return err
			}
			if err := inFerretDB(ctx, relayURL, log, one.make); err != nil {
				return err
			}
			if table, err = one.table(ctx, connection); err != nil {
				return err
			}
			if table == "" {
				return fmt.Errorf("%s.%s was made, and is not whole", one.database, one.name)
			}
			log.Info("made a collection", "database", one.database, "collection", one.name)
		}
		if err := one.index(ctx, connection, table); err != nil {
			return err
		}
	}
	return nil
}

// table returns the name of the collection's table if it is whole, "" if it is not.
func (c collection) table(ctx context.Context, connection *pgx.Conn) (string, error) {
	metadata := pgx.Identifier{c.database, "_ferretdb_database_metadata"}.Sanitize()
	var found bool
	if err := connection.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", metadata).Scan(&found); err != nil || !found {
		return "", err
	}
	var table string
	var unique int
	err := connection.QueryRow(ctx, `SELECT m._jsonb->>'table', count(i.indexrelid) FROM `+metadata+` m
		LEFT JOIN pg_namespace n ON n.nspname = $1
		LEFT JOIN pg_class t ON t.relnamespace = n.oid AND t.relname = m._jsonb->>'table'
		LEFT JOIN pg_index i ON i.indrelid = t.oid AND i.indisunique AND i.indisvalid
		WHERE m._jsonb->>'_id' = $2 GROUP BY 1`, c.database, c.name).Scan(&table, &unique)
	if errors.Is(err, pgx.ErrNoRows) || (err == nil && unique < 1+len(c.unique)) {
		return "", nil
	}
	return table, err
}

// clear removes what an interrupted attempt left behind; it fails when there is anything in it.
func (c collection) clear(ctx context.Context, connection *pgx.Conn) error {
	rows, err := connection.Query(ctx, `SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename NOT LIKE '\_ferretdb\_%'`,
		c.database)
	if err != nil {
		return err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, table := range tables {
		var any bool
		name := pgx.Identifier{c.database, table}.Sanitize()
		if err := connection.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM "+name+")").Scan(&any); err != nil {
			return err
		}
		if any {
			return fmt.Errorf("%s.%s lacks an index, and %s is not empty", c.database, c.name, name)
		}
	}
	_, err = connection.Exec(ctx, "DROP SCHEMA IF EXISTS "+pgx.Identifier{c.database}.Sanitize()+" CASCADE")
	return err
}

// make makes the collection and its unique indexes the way a client would.
func (c collection) make(ctx context.Context, client *mongo.Client) error {
	database := client.Database(c.database)
	if err := database.CreateCollection(ctx, c.name); err != nil {
		return err
	}
	for _, field := range c.unique {
		model := mongo.IndexModel{Keys: bson.D{{Key: field, Value: 1}}, Options: options.Index().SetUnique(true)}
		if _, err := database.Collection(c.name).Indexes().CreateOne(ctx, model); err != nil {
			return err
		}
	}
	return nil
}

// index makes the indexes for questions: those that FerretDB makes itself are not of a kind that its questions could use, so that it
// reads the whole table every time.
func (c collection) index(ctx context.Context, connection *pgx.Conn, table string) error {
	for _, field := range c.contains {
		literal := "'" + strings.ReplaceAll(field, "'", "''") + "'"
		_, err := connection.Exec(ctx, fmt.Sprintf(
			"CREATE INDEX IF NOT EXISTS %s ON %s USING gin ((_jsonb->%s) jsonb_path_ops) WITH (fastupdate = off)",
			pgx.Identifier{table + "_" + field + "_contains"}.Sanitize(), pgx.Identifier{c.database, table}.Sanitize(), literal))
		if err != nil {
			return err
		}
	}
	return nil
}

// inFerretDB does something in a FerretDB that nobody else can reach, and that reads its list of collections now.
func inFerretDB(ctx context.Context, relayURL string, log *slog.Logger, do func(context.Context, *mongo.Client) error) error {
	folder, err := os.MkdirTemp("", "documents")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	socket := filepath.Join(folder, "ferretdb.sock") // the driver knows a socket by that ending
	gateway, err := ferretdb.New(&ferretdb.Config{
		Listener: ferretdb.ListenerConfig{Unix: socket}, Handler: "postgresql", PostgreSQLURL: relayURL, Logger: log,
	})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- gateway.Run(running) }()
	defer func() {
		stop()
		<-ended
	}()
	client, err := mongo.Connect(ctx, clientOptions(socket))
	if err != nil {
		return err
	}
	defer client.Disconnect(context.WithoutCancel(ctx))
	return do(ctx, client)
}

func clientOptions(socket string) *options.ClientOptions {
	return options.Client().ApplyURI("mongodb://" + url.QueryEscape(socket) + "/").SetDirect(true).
		SetServerSelectionTimeout(2 * patience).SetConnectTimeout(patience).SetRetryReads(false).SetRetryWrites(false).
		SetMaxPoolSize(2)
}
