# Writes Prometheus' configuration from the environment; sourced by entrypoint.sh, which explains the variables.

scrape_file() { # $1: folder of the rules, $2: file of the burn rates
    cat <<EOF
global:
  scrape_interval: ${SCRAPE_S:-2}s
  scrape_timeout: ${SCRAPE_TIMEOUT_MS:-1500}ms
  evaluation_interval: ${EVALUATE_S:-2}s
rule_files:
  - $1/rules/alerts-*.yml
  - $1/rules/$2
alerting:
  alertmanagers:
    - timeout: 2s
      static_configs:
        - targets: [$(hosts 9093 "${ALERTMANAGERS-alertmanager}")]
scrape_configs:
EOF
    haproxy=haproxy_backend_http_requests_total,haproxy_backend_http_responses_total,haproxy_backend_client_aborts_total
    haproxy=$haproxy,haproxy_backend_server_aborts_total,haproxy_backend_response_errors_total,haproxy_backend_active_servers
    haproxy=$haproxy,haproxy_backend_current_sessions,haproxy_backend_current_queue
    only="    params: { scope: [backend], metrics: ['$haproxy'] }"
    job edge 8404 "${EDGES-}" "$only"
    job balancer 8404 "${BALANCERS-}" "$only"
    job_of_many app 8000 "${APPS-}" "$(keep 'chat_.+|process_start_time_seconds|process_cpu_seconds_total|process_open_fds')"
    job documents 8088 "${GATEWAYS-}"
    job database 8008 "${DATABASES-}" "" "${EVERYWHERE-}"
    job database-node 9187 "${DATABASE_NODES-}"
    job consensus 2379 "${ETCDS-}" "$(keep 'etcd_server_(has_leader|is_leader|leader_changes_seen_total|proposals_failed_total)|etcd_mvcc_db_total_size_in_bytes|process_resident_memory_bytes')" "${EVERYWHERE-}"
    job_of_redis cache 6379 "${CACHES-}"
    job_of_redis sentinel 26379 "${SENTINELS-}"
    job autoscaler 9100 "${AUTOSCALERS-}"
    job alertmanager 9093 "${ALERTMANAGERS-alertmanager}" \
        "$(keep 'alertmanager_(alerts|notifications_total|notifications_failed_total)|process_.+')"
    job prometheus 9090 "prometheus=localhost:9090" \
        "$(keep 'prometheus_(rule_evaluation_failures_total|notifications_dropped_total|rule_group_last_duration_seconds|rule_group_iterations_missed_total|tsdb_head_series|target_scrape_pool_targets)|process_.+')"
}

hosts() { # $1: default port, $2: words -> host:port, host:port
    list=
    for word in $2; do
        host=${word#*=}
        case "$host" in *:*) ;; *) host=$host:$1 ;; esac
        list=${list:+$list, }$host
    done
    echo "$list"
}

component_of() { # of a word
    case "$1" in
        *=*) echo "${1%%=*}" ;;
        *) name=${1%%:*} && echo "${name%-peer}" ;;
    esac
}

place_of() { # $1: component, $2: its region, where its name does not count -> its labels
    regions=${REGIONS:-home}
    region=${regions%% *}
    name=$1
    for one in $regions; do
        case "$name" in
            *-"$one") region=$one name=${name%-"$one"} ;;
            *-"$one"-[a-z]) region=$one ;;
        esac
    done
    case "$name" in
        *-[a-z]) zone=${name##*-} ;;
        *) zone= ;;
    esac
    echo "component: '$1', region: '${2:-$region}'${zone:+, zone: '$zone'}"
}

keep() { # $1: regular expression for the names of metrics: what no rule reads costs memory and time
    echo "    metric_relabel_configs: [{ source_labels: [__name__], regex: '$1', action: keep }]"
}

head_of() { # $1: job, $2: further lines
    echo "  - job_name: $1"
    [ -z "$2" ] || echo "$2"
}

# Where a name is one container. A name that does not resolve is a target that is down; with DNS discovery it would be none.
job() { # $1: job, $2: default port, $3: words, $4: further lines, $5: region of them all
    [ -n "$3" ] || return 0
    head_of "$1" "${4-}"
    echo "    static_configs:"
    for word in $3; do
        echo "      - { targets: [$(hosts "$2" "$word")], labels: { $(place_of "$(component_of "$word")" "${5-}") } }"
    done
}

# Where a name stands for as many addresses as there are replicas just now.
job_of_many() {
    [ -n "$3" ] || return 0
    for word in $3; do
        host=$(hosts "$2" "$word")
        component=$(component_of "$word")
        cat <<EOF
  - job_name: $1/$component
${4-}
    dns_sd_configs: [{ names: ['${host%%:*}'], type: A, port: ${host##*:}, refresh_interval: ${SCRAPE_S:-2}s }]
    relabel_configs:
      - { target_label: job, replacement: '$1' }
$(place_of "$component" | tr ',' '\n' | sed "s/^ *\([a-z]*\): \(.*\)$/      - { target_label: \1, replacement: \2 }/")
EOF
    done
}

# Redis tells nothing over HTTP: the exporter asks each server. The instance is the server, not the exporter.
job_of_redis() {
    [ -n "$3" ] || return 0
    head_of "$1" "$(keep 'up|redis_(up|instance_info|connected_slaves|memory_used_bytes|memory_max_bytes|connected_clients|evicted_keys_total|rejected_connections_total|replica.*|master_link_up|sentinel_.*)')"
    echo "    metrics_path: /scrape"
    echo "    static_configs:"
    for word in $3; do
        echo "      - { targets: ['redis://$(hosts "$2" "$word")'], labels: { $(place_of "$(component_of "$word")") } }"
    done
    cat <<EOF
    relabel_configs:
      - { source_labels: [__address__], target_label: __param_target }
      - { source_labels: [__param_target], regex: 'redis://(.+)', target_label: instance }
      - { target_label: __address__, replacement: '${REDIS_EXPORTER:-redis-exporter:9121}' }
EOF
}
