"""The stores of the target: document gateways, PostgreSQL under Patroni, etcd, Redis under its sentinels."""

from __future__ import annotations

from collections.abc import Iterable

from grafana_foundation_sdk.models import common as shared

from dashboards.frame import Group
from dashboards.kit import BLUE, GREEN, GREY, RED, TARGET, AnyPanel, Ask, Size, Words, graph, states, timeline
from dashboards.target_kit import APP, own_graph, rate

PRIMARY = states({"0": ("standby", BLUE), "1": ("primary", GREEN)})
LEADER = states({"0": ("no leader", RED), "1": ("leads or follows", GREEN)})
ROLE = states({"0": ("replica", GREY), "1": ("primary", GREEN)})


def groups() -> Iterable[Group]:
    """Yield the groups of panels."""
    yield Group("Store of the app", [_operations(), _errors(), _stored(), _gateways()])
    yield Group("Database (Patroni) and etcd", [_primary(), _leaders(), _lag(), _connections(), _disk(), _timelines()])
    yield Group("Cache (Redis)", [_cache_roles(), _cache_memory(), _cache_use(), _cache_clients()])


def _operations() -> AnyPanel:
    words = Words(
        "How long the store takes, p95",
        "19 of 20 operations of this kind took no longer, waiting for a connection included.",
        "19 de cada 20 operações deste tipo não demoraram mais que isto.",
        "target-stores",
    )
    buckets = rate("chat_store_operation_duration_seconds_bucket", "le, operation", APP)
    return own_graph(words, "s", Ask(f"histogram_quantile(0.95, {buckets})", "{{operation}}"))


def _errors() -> AnyPanel:
    words = Words(
        "Operations on the store",
        "By how they ended. An error here is one that the app saw after its own repeats.",
        "Operações no banco por resultado; um erro é o que restou depois das repetições.",
        "target-stores",
    )
    count = rate("chat_store_operation_duration_seconds_count", "outcome", APP)
    return own_graph(words, "ops", Ask(count, "{{outcome}}"))


def _stored() -> AnyPanel:
    words = Words(
        "Messages made durable",
        "Messages whose storage the database acknowledged. It falls to 0 when there is no primary.",
        "Mensagens cuja gravação foi confirmada; cai a 0 quando não há primário.",
        "target-stores",
    )
    return own_graph(words, "ops", Ask(rate("chat_messages_stored_total", "zone", APP), "zone {{zone}}"))


def _gateways() -> AnyPanel:
    words = Words(
        "Trial writes of the document gateways",
        "How long the last write of each gateway's own took: a rise is a database that is slow to confirm.",
        "Quanto demorou a última escrita de teste de cada gateway.",
        "target-stores",
    )
    return own_graph(words, "s", Ask("max by (component) (gateway_write_seconds)", "{{component}}"))


def _primary() -> AnyPanel:
    words = Words(
        "Who is the primary of the database",
        "One node is the primary, and takes all writes. A moment without one is a moment without writes.",
        "Um nó é o primário e recebe todas as escritas; sem ele nada é gravado.",
        "target-database",
    )
    role = "max by (component) (patroni_primary)"
    return timeline(words, PRIMARY, Ask(role, "{{component}}"), size=Size(12, 8), uid=TARGET)


def _leaders() -> AnyPanel:
    words = Words(
        "Members of etcd that know a leader",
        "Without a majority that knows one no primary can be chosen.",
        "Sem uma maioria com líder nenhum primário pode ser escolhido.",
        "target-database",
    )
    leader = "max by (component) (etcd_server_has_leader)"
    return timeline(words, LEADER, Ask(leader, "{{component}}"), size=Size(12, 8), uid=TARGET)


def _lag() -> AnyPanel:
    words = Words(
        "Standbys behind the primary",
        "How many bytes of the log a standby has not replayed yet. A fail-over to it takes as long as it needs to "
        "catch up.",
        "Quantos bytes do log uma réplica ainda não aplicou.",
        "target-database",
    )
    behind = (
        'scalar(max(patroni_xlog_location{job="database"} and patroni_primary == 1)) '
        '- max by (component) (patroni_xlog_replayed_location{job="database"} and patroni_replica == 1)'
    )
    return own_graph(words, "bytes", Ask(f"clamp_min({behind}, 0)", "{{component}}"))


def _connections() -> AnyPanel:
    words = Words(
        "Connections to the database",
        "How many connections are open, and how many may be: at the limit new ones are refused.",
        "Conexões abertas e o limite: nele, novas são recusadas.",
        "target-database",
    )
    return own_graph(
        words,
        "short",
        Ask("max by (component) (database_connections)", "{{component}}"),
        Ask("min(database_connections_limit)", "limit"),
    )


def _disk() -> AnyPanel:
    words = Words(
        "Free disk of the database",
        "The share of its disk that is free. A PostgreSQL that cannot write its log stops.",
        "A fração livre do disco; sem espaço o PostgreSQL para.",
        "target-database",
    )
    free = "min by (component) (database_disk_free_bytes / database_disk_size_bytes)"
    return graph(words, "percentunit", Ask(free, "{{component}}"), uid=TARGET).min(0).max(1)


def _timelines() -> AnyPanel:
    words = Words(
        "Timeline of the database",
        "PostgreSQL counts its timeline up with every fail-over: a step is one.",
        "O PostgreSQL incrementa a sua timeline a cada failover: um degrau é um failover.",
        "target-database",
    )
    panel = graph(words, "short", Ask("max by (component) (patroni_postgres_timeline)", "{{component}}"), uid=TARGET)
    return panel.decimals(0).line_interpolation(shared.LineInterpolation.STEP_AFTER)


def _cache_roles() -> AnyPanel:
    words = Words(
        "Who is the primary of the cache",
        "The primary takes writes; when it is lost the sentinels promote the other one after about 5 s.",
        "O primário recebe as escritas; se ele cai, os sentinelas promovem o outro em cerca de 5 s.",
        "target-cache",
    )
    role = (
        'max by (component) (redis_instance_info{job="cache",role="master"}) '
        'or 0 * max by (component) (redis_up{job="cache"})'
    )
    return timeline(words, ROLE, Ask(role, "{{component}}"), size=Size(12, 8), uid=TARGET)


def _cache_memory() -> AnyPanel:
    words = Words(
        "Memory of the cache",
        "How much of what it may use the cache uses. A full one forgets what was not used for longest.",
        "Quanto da memória permitida o cache usa; cheio, ele esquece o menos usado.",
        "target-cache",
    )
    used = 'max by (component) (redis_memory_used_bytes{job="cache"})'
    may = 'max(redis_memory_max_bytes{job="cache"})'
    return own_graph(words, "bytes", Ask(used, "{{component}}"), Ask(may, "may use"))


def _cache_use() -> AnyPanel:
    words = Words(
        "What the app asks the cache for",
        "Hits, misses and errors. *stale* is an old answer that was given because the store could not be asked.",
        "Acertos, faltas e erros; *stale* é uma resposta antiga dada por falta do banco.",
        "target-cache",
    )
    asked = rate("chat_cache_operations_total", "operation, outcome", APP)
    return own_graph(words, "ops", Ask(asked, "{{operation}} {{outcome}}"))


def _cache_clients() -> AnyPanel:
    words = Words(
        "Clients of the cache",
        "Connections to each Redis, and replicas that follow the primary.",
        "Conexões a cada Redis e réplicas que seguem o primário.",
        "target-cache",
    )
    return own_graph(
        words,
        "short",
        Ask('max by (component) (redis_connected_clients{job="cache"})', "{{component}} clients"),
        Ask('max by (component) (redis_connected_slaves{job="cache"})', "{{component}} replicas"),
    )
