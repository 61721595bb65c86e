#!/bin/sh
# Becomes one part of the monitoring: `monitoring prometheus`, `monitoring alertmanager`, `monitoring redis-exporter`, or
# `monitoring render FOLDER`, which only writes the configurations. Further arguments go to the program.
#
# What Prometheus watches, each a list of words separated by blanks; a job whose list is empty is left out. A word is a
# host name, `host:port`, or `component=host:port` where the component is not called like its host (a `-peer` behind a
# host name is dropped by itself). `<kind>-<zone>`, `<kind>-<zone>-<region>` and `<kind>-<region>-<zone>` say where a component
# stands.
#
#   EDGES BALANCERS       (8404) HAProxy's exporter         APPS            (8000) every address of the name is an instance
#   GATEWAYS              (8088) of the document store      DATABASES       (8008) Patroni
#   DATABASE_NODES        (9187) disk and connections       ETCDS           (2379)
#   CACHES SENTINELS      (6379, 26379), asked through REDIS_EXPORTER (redis-exporter:9121)
#   AUTOSCALERS           (9100)                            ALERTMANAGERS   (9093), default: alertmanager
#
# REGIONS       the regions that a component's name may say; the first one is home to all others ("home")
# EVERYWHERE    what the region of databases and etcd members is called, where they are one cluster over all regions (default:
#               each counts in its own region)
# SCRAPE_S, EVALUATE_S, SCRAPE_TIMEOUT_MS   how often targets are read and rules looked at, and how long one may take (2, 2, 1500)
# OBJECTIVE, WINDOW_SCALE               which rules/burn-rate-*.yml holds (99.9, 30); rules/README.md says what the scale is
# RETENTION                             how long samples are kept (3h)
# For Alertmanager: PAGER_URL (http://pager:8080/alerts), HEARTBEAT_URL (http://pager:8080/heartbeat).
set -eu

etc=${MONITORING_ETC:-/etc/prometheus}
. "${MONITORING_LIB:-/usr/local/lib/monitoring}/scrapes.sh"

render_prometheus() { # $1: into which folder
    burn="burn-rate-${OBJECTIVE:-99.9}-scale-${WINDOW_SCALE:-30}.yml"
    if [ ! -f "$etc/rules/$burn" ]; then
        echo "There is no $burn; make it with targets/parts/monitoring/burn_rates.py." >&2
        exit 2
    fi
    scrape_file "$etc" "$burn" > "$1/prometheus.yml"
}

render_alertmanager() {
    sed -e "s|@PAGER_URL@|${PAGER_URL:-http://pager:8080/alerts}|" \
        -e "s|@HEARTBEAT_URL@|${HEARTBEAT_URL:-http://pager:8080/heartbeat}|" "$etc/alertmanager.yml" > "$1/alertmanager.yml"
}

role=${1-}
[ $# -eq 0 ] || shift
folder=/run/monitoring
case "$role" in
    prometheus)
        render_prometheus "$folder"
        # One thread and a soft bound on memory: it watches, and must not take from what it watches.
        export GOMAXPROCS="${GOMAXPROCS:-1}" GOMEMLIMIT="${GOMEMLIMIT:-160MiB}"
        exec prometheus --config.file="$folder/prometheus.yml" --storage.tsdb.path=/prometheus \
            --storage.tsdb.retention.time="${RETENTION:-3h}" --storage.tsdb.retention.size=256MB --log.level=warn \
            --query.max-concurrency=4 --query.timeout=10s "$@"
        ;;
    alertmanager)
        render_alertmanager "$folder"
        export GOMAXPROCS="${GOMAXPROCS:-1}" GOMEMLIMIT="${GOMEMLIMIT:-64MiB}"
        exec prometheus-alertmanager --config.file="$folder/alertmanager.yml" --storage.path=/alertmanager \
            --cluster.listen-address= --data.retention="${RETENTION:-3h}" --log.level=warn "$@"
        ;;
    redis-exporter)
        # It knows no server of its own: Prometheus names one with each question.
        export GOMAXPROCS=1
        exec prometheus-redis-exporter --redis.addr= --web.listen-address=:9121 --connection-timeout=1s "$@"
        ;;
    render)
        render_prometheus "$1"
        render_alertmanager "$1"
        ;;
    *) echo "Say which: prometheus, alertmanager, redis-exporter, or render FOLDER." >&2; exit 2 ;;
esac
