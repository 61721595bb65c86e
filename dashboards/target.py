"""*Target*: what the system under test says about itself, by its own Prometheus (targets/parts/monitoring)."""

from __future__ import annotations

from collections.abc import Iterable

from grafana_foundation_sdk.models import common as shared
from grafana_foundation_sdk.models import dashboard as model

from dashboards import target_stores
from dashboards.frame import About, Group, dashboard
from dashboards.kit import GREEN, RED, TARGET, UP_DOWN, YELLOW, AnyPanel, Ask, Size, Words, graph, states, timeline

ABOUT = About(
    "chaos-target",
    "Target",
    "The system under test, as its own monitoring sees it. From v3 on a target has a Prometheus of its own; choose "
    "it above.",
    "O sistema em teste visto pela sua própria monitoração (a partir da v3). Escolha acima o Prometheus do alvo.",
    since="now-15m",
    target=True,
)
APP = 'job="app"'
CHAT = f'{APP},route="/v1/chat"'
BREAKER = states({"0": ("closed", GREEN), "1": ("half open", YELLOW), "2": ("open", RED)})
READY = states({"0": ("not ready", RED), "1": ("ready", GREEN)})


def build() -> model.Dashboard:
    """Return the dashboard."""
    return dashboard(ABOUT, _groups())


def rate(metric: str, by: str, chosen: str) -> str:
    """Return how often a second, by labels."""
    return f"sum by ({by}) (rate({metric}{{{chosen}}}[$__rate_interval]))"


def quantile(of: float, metric: str, by: str, chosen: str) -> str:
    """Return a quantile from a histogram."""
    return f"histogram_quantile({of}, {rate(f'{metric}_bucket', f'le, {by}' if by else 'le', chosen)})"


def _groups() -> Iterable[Group]:
    yield Group("What is there", [_up()])
    yield Group(
        "App", [_requests(), _durations(), _ready(), _dependencies(), _in_flight(), _lag(), _memory(), _limits()]
    )
    yield Group("AI providers", [_breakers(), _attempts(), _provider_times(), _failovers(), _ranks()])
    yield Group("Edge and balancers (HAProxy)", [_balanced(), _responses(), _servers(), _queues()])
    yield from target_stores.groups()
    yield Group("Autoscaler", [_wanted(), _load()])


def _graph(words: Words, unit: str, *asks: Ask, size: Size | None = None) -> AnyPanel:
    return graph(words, unit, *asks, size=size, uid=TARGET).min(0)


def _up() -> AnyPanel:
    words = Words(
        "What answers",
        "Whether each kind of component, in each zone, can be read by the monitoring: the worst of its instances. A "
        "gap is "
        "a component that is not there at all.",
        "Se cada componente responde à monitoração: a pior das suas instâncias.",
        "target",
    )
    up = "min by (job, component) (up)"
    return timeline(words, UP_DOWN, Ask(up, "{{job}} {{component}}"), size=Size(24, 12), uid=TARGET)


def _requests() -> AnyPanel:
    words = Words(
        "Requests by status",
        "What all instances of the app answered to POST /v1/chat. 5xx is the app's own view of failing; what never "
        "reached "
        "it is not here, but on *Experiment*.",
        "O que as instâncias responderam; o que nem chegou a elas só aparece em *Experiment*.",
        "target-app",
    )
    return _graph(words, "reqps", Ask(rate("chat_http_requests_total", "status", CHAT), "{{status}}"))


def _durations() -> AnyPanel:
    words = Words(
        "How long requests take",
        "From the request to the last byte of its response, at the app; streams included.",
        "Da chegada à aplicação até o último byte da resposta.",
        "target-app",
    )
    asks = (
        Ask(quantile(of, "chat_http_request_duration_seconds", "", CHAT), f"p{of * 100:g}") for of in (0.5, 0.95, 0.99)
    )
    return _graph(words, "s", *asks)


def _ready() -> AnyPanel:
    words = Words(
        "Ready",
        "What each instance said about itself when it was last asked for /v1/ready: it gets no requests while it is "
        "not.",
        "Se cada instância se diz pronta; enquanto não está, não recebe pedidos.",
        "target-app",
    )
    ready = f"min by (component, instance) (chat_ready{{{APP}}})"
    return timeline(words, READY, Ask(ready, "{{component}} {{instance}}"), size=Size(12, 8), uid=TARGET)


def _dependencies() -> AnyPanel:
    words = Words(
        "Dependencies",
        "Whether what the app needs was well, in the eyes of the instance that sees it worst.",
        "Se as dependências da aplicação estavam bem, segundo a instância que as vê pior.",
        "target-app",
    )
    well = f"min by (dependency) (chat_dependency_up{{{APP}}})"
    return timeline(words, UP_DOWN, Ask(well, "{{dependency}}"), size=Size(12, 8), uid=TARGET)


def _in_flight() -> AnyPanel:
    words = Words(
        "Requests being answered",
        "How many requests each zone's instances work on at this moment. It rises when something behind them is slow.",
        "Quantos pedidos estão em andamento; sobe quando algo por trás está lento.",
        "target-app",
    )
    held = f"sum by (component) (chat_http_requests_in_flight{{{APP}}})"
    return _graph(words, "short", Ask(held, "{{component}}"))


def _lag() -> AnyPanel:
    words = Words(
        "Event loop lag",
        "How late an instance gets to its work: something holds its loop, or it gets no processor. The worst of 4 s.",
        "Com quanto atraso uma instância chega ao seu trabalho (o pior de 4 s).",
        "target-app",
    )
    lag = f"max by (component) (chat_event_loop_lag_seconds{{{APP}}})"
    return _graph(words, "s", Ask(lag, "{{component}}"))


def _memory() -> AnyPanel:
    words = Words(
        "Memory against its limit",
        "How much of the memory that it may use the fullest instance uses. At 100 % the kernel ends it.",
        "Quanto da memória permitida a instância mais cheia usa; a 100 % o kernel a encerra.",
        "target-app",
    )
    used = f"max by (component) (chat_memory_bytes{{{APP}}} / chat_memory_limit_bytes{{{APP}}})"
    return graph(words, "percentunit", Ask(used, "{{component}}"), uid=TARGET).min(0).max(1)


def _limits() -> AnyPanel:
    words = Words(
        "Rate limiter",
        "What the rate limiter said: allowed, limited, or unknown when the cache could not be asked (then all pass).",
        "O que o limitador disse; *unknown* quando não pôde consultar o cache (todos passam).",
        "target-app",
    )
    said = rate("chat_rate_limit_decisions_total", "outcome", APP)
    return _graph(words, "reqps", Ask(said, "{{outcome}}"))


def _breakers() -> AnyPanel:
    words = Words(
        "Breakers",
        "The state of each provider's circuit breaker, of the instance that sees it worst. Open means that the "
        "provider is "
        "not asked any more, and questions go to the next one at once.",
        "O estado do disjuntor de cada provedor: aberto significa que ele não é mais consultado.",
        "target-providers",
    )
    state = "chat_provider_breaker_state"
    worst = (
        f'max by (provider) (2 * max by (provider, instance) ({state}{{{APP},state="open"}}) '
        f'+ max by (provider, instance) ({state}{{{APP},state="half_open"}}))'
    )
    return timeline(words, BREAKER, Ask(worst, "{{provider}}"), size=Size(24, 5), uid=TARGET)


def _attempts() -> AnyPanel:
    words = Words(
        "Questions to providers, by outcome",
        "Every question that was put to a provider, by how it ended. A question of a user may be more than one of "
        "these.",
        "Cada pergunta feita a um provedor, por resultado; um pedido do usuário pode gerar várias.",
        "target-providers",
    )
    asked = rate("chat_provider_attempts_total", "provider, outcome", APP)
    return _graph(words, "reqps", Ask(asked, "{{provider}} {{outcome}}"))


def _provider_times() -> AnyPanel:
    words = Words(
        "How long providers take, p95",
        "19 of 20 questions to a provider took no longer, whatever came of them.",
        "19 de cada 20 perguntas a um provedor não demoraram mais que isto.",
        "target-providers",
    )
    took = quantile(0.95, "chat_provider_attempt_duration_seconds", "provider", APP)
    return _graph(words, "s", Ask(took, "{{provider}}"))


def _failovers() -> AnyPanel:
    words = Words(
        "Fail-overs and repeats",
        "Questions that went on to another provider, those that were not allowed to (the budget of fail-overs was "
        "spent), "
        "and repeats at the same provider.",
        "Perguntas que passaram a outro provedor, as impedidas pelo orçamento e as repetições.",
        "target-providers",
    )
    went = rate("chat_provider_failovers_total", "from_provider, to_provider, reason", APP)
    return _graph(
        words,
        "reqps",
        Ask(went, "{{from_provider}} to {{to_provider}} ({{reason}})"),
        Ask(rate("chat_provider_failovers_denied_total", "provider", APP), "not to {{provider}}: budget"),
        Ask(rate("chat_provider_retries_total", "provider, decision", APP), "repeat at {{provider}} {{decision}}"),
    )


def _ranks() -> AnyPanel:
    words = Words(
        "Order of providers",
        "In which order providers are asked; 1 is the first. It changes with their health.",
        "Em que ordem os provedores são consultados; 1 é o primeiro.",
        "target-providers",
    )
    rank = f"avg by (provider) (chat_provider_rank{{{APP}}})"
    return _graph(words, "short", Ask(rank, "{{provider}}"))


def _balanced() -> AnyPanel:
    words = Words(
        "Requests through HAProxy",
        "Requests that the edge and each balancer passed on.",
        "Pedidos que a borda e cada balanceador encaminharam.",
        "target-haproxy",
    )
    passed = rate("haproxy_backend_http_requests_total", "component, proxy", 'proxy=~"origins|apps"')
    return _graph(words, "reqps", Ask(passed, "{{component}} {{proxy}}"))


def _responses() -> AnyPanel:
    words = Words(
        "Responses by class at the edge",
        "What users got from the edge. 5xx is the outage as the outermost part of the target saw it.",
        "O que a borda respondeu aos usuários; 5xx é a queda vista de fora.",
        "target-haproxy",
    )
    got = rate("haproxy_backend_http_responses_total", "code", 'job="edge",proxy="origins"')
    return _graph(words, "reqps", Ask(got, "{{code}}"))


def _servers() -> AnyPanel:
    words = Words(
        "Servers in use",
        "How many servers behind the edge (balancers) and behind each balancer (instances of the app) pass their "
        "checks.",
        "Quantos servidores atrás da borda e de cada balanceador passam nas verificações.",
        "target-haproxy",
    )
    active = 'min by (component, proxy) (haproxy_backend_active_servers{proxy=~"origins|apps"})'
    panel = graph(words, "short", Ask(active, "{{component}} {{proxy}}"), uid=TARGET).min(0).decimals(0)
    return panel.line_interpolation(shared.LineInterpolation.STEP_AFTER)


def _queues() -> AnyPanel:
    words = Words(
        "Sessions and queue",
        "Requests that are being passed on, and those that wait because every server is full.",
        "Pedidos em andamento e os que esperam porque todos os servidores estão cheios.",
        "target-haproxy",
    )
    chosen = 'proxy=~"origins|apps"'
    return _graph(
        words,
        "short",
        Ask(f"sum by (component) (haproxy_backend_current_sessions{{{chosen}}})", "{{component}} sessions"),
        Ask(f"sum by (component) (haproxy_backend_current_queue{{{chosen}}})", "{{component}} queue"),
    )


def _wanted() -> AnyPanel:
    words = Words(
        "Replicas",
        "Replicas that a service should have, has, and could serve with; and what the formula came to before its "
        "bounds.",
        "Réplicas desejadas, existentes e prontas, e o que a fórmula pediu antes dos limites.",
        "target-autoscaler",
    )
    kinds = ("desired", "current", "ready", "needed")
    asks = (Ask(f"max by (service) (autoscaler_{kind}_replicas)", f"{{{{service}}}} {kind}") for kind in kinds)
    panel = graph(words, "short", *asks, uid=TARGET).min(0)
    return panel.line_interpolation(shared.LineInterpolation.STEP_AFTER)


def _load() -> AnyPanel:
    words = Words(
        "Load per replica",
        "Requests in flight for each ready replica, and how many it should hold: above that the autoscaler adds "
        "replicas.",
        "Pedidos em andamento por réplica e o alvo: acima dele o autoscaler acrescenta réplicas.",
        "target-autoscaler",
    )
    return _graph(
        words,
        "short",
        Ask("max by (service) (autoscaler_metric_value)", "{{service}}"),
        Ask("max(autoscaler_metric_target)", "should hold"),
    )
