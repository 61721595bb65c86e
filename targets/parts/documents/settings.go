package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// settings is what the environment says; README.md tells the variables.
type settings struct {
	listen, health string
	postgres       *url.URL // without hosts: where it goes is decided connection by connection
	hosts          []string // host:port of each PostgreSQL, as given
	collections    []collection
	statement      time.Duration // how long PostgreSQL may take for one
}

// collection is made before the first client is let in: see schema.go.
type collection struct {
	database, name   string
	unique, contains []string // fields
}

func readSettings() (*settings, error) {
	base, hosts, err := splitURL(os.Getenv("POSTGRES_URL"))
	if err != nil {
		return nil, err
	}
	statement, err := seconds("POSTGRES_STATEMENT_S", 3)
	if err != nil {
		return nil, err
	}
	query := base.Query()
	query.Del("target_session_attrs") // the relay only ever leads to a primary
	query.Set("pool_max_conns", getenv("POSTGRES_POOL", "25"))
	query.Set("pool_max_conn_idle_time", "1m")
	// A filter arrives as `_jsonb->$1 @> $2`. Only a plan that is made with the values in hand finds the index on that field.
	query.Set("plan_cache_mode", "force_custom_plan")
	query.Set("statement_timeout", strconv.FormatInt(statement.Milliseconds(), 10))
	query.Set("idle_in_transaction_session_timeout", strconv.FormatInt(statement.Milliseconds(), 10))
	base.RawQuery = query.Encode()
	collections, err := readCollections(getenv("DOCUMENTS_COLLECTIONS", "chat.turns unique=slot contains=of"))
	if err != nil {
		return nil, err
	}
	return &settings{
		listen:      getenv("DOCUMENTS_LISTEN", "0.0.0.0:27017"),
		health:      getenv("HEALTH_LISTEN", "0.0.0.0:8088"),
		postgres:    base,
		hosts:       hosts,
		collections: collections,
		statement:   statement,
	}, nil
}

// splitURL takes the hosts out of a connection URL by hand: net/url knows only one of them, and is about to get stricter.
func splitURL(text string) (*url.URL, []string, error) {
	scheme, rest, found := strings.Cut(text, "://")
	if !found || (scheme != "postgresql" && scheme != "postgres") {
		return nil, nil, errors.New("set POSTGRES_URL to postgresql://user:password@host:port,host:port/database")
	}
	authority, path, _ := strings.Cut(rest, "/")
	at := strings.LastIndex(authority, "@")
	var hosts []string
	for _, host := range strings.Split(authority[at+1:], ",") {
		if host == "" {
			return nil, nil, errors.New("POSTGRES_URL names no host")
		}
		if !strings.Contains(host, ":") {
			host += ":5432"
		}
		hosts = append(hosts, host)
	}
	base, err := url.Parse("postgresql://" + authority[:at+1] + "postgres/" + path)
	if err != nil {
		return nil, nil, errors.New("POSTGRES_URL is not a URL") // the error would quote the password
	}
	return base, hosts, nil
}

// at returns the URL with its one host.
func (s *settings) at(address string) string {
	here := *s.postgres
	here.Host = address
	return here.String()
}

// through returns the URL that leads through the relay's socket in that folder.
func (s *settings) through(folder string) string {
	here := *s.postgres
	query := here.Query()
	query.Set("host", folder)
	here.RawQuery, here.Host = query.Encode(), ""
	return here.String()
}

// readCollections understands `database.name unique=field,field contains=field; database.name ...`.
func readCollections(text string) ([]collection, error) {
	var all []collection
	for _, part := range strings.Split(text, ";") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		database, name, found := strings.Cut(words[0], ".")
		if !found {
			return nil, fmt.Errorf("DOCUMENTS_COLLECTIONS: '%s' must be database.collection", words[0])
		}
		one := collection{database: database, name: name}
		for _, word := range words[1:] {
			kind, fields, _ := strings.Cut(word, "=")
			switch kind {
			case "unique":
				one.unique = strings.Split(fields, ",")
			case "contains":
				one.contains = strings.Split(fields, ",")
			default:
				return nil, fmt.Errorf("DOCUMENTS_COLLECTIONS: '%s' must be unique=... or contains=...", word)
			}
		}
		all = append(all, one)
	}
	return all, nil
}

func seconds(name string, fallback float64) (time.Duration, error) {
	value, err := strconv.ParseFloat(getenv(name, strconv.FormatFloat(fallback, 'f', -1, 64)), 64)
	if err != nil || value <= 0 {
		return 0, fmt.Errorf("%s must be a number of seconds", name)
	}
	return time.Duration(value * float64(time.Second)), nil
}

func getenv(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}
