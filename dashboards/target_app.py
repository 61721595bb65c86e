"""The app of the target and the AI providers behind it, from the app's own metrics (targets/chat/telemetry.py)."""

from __future__ import annotations

from collections.abc import Iterable

from dashboards.frame import Group
from dashboards.kit import GREEN, RED, TARGET, UP_DOWN, YELLOW, AnyPanel, Ask, Size, Words, graph, states, timeline
from dashboards.target_kit import APP, own_graph, quantile, rate

CHAT = f'{APP},route="/v1/chat"'
BREAKER = states({"0": ("closed", GREEN), "1": ("half open", YELLOW), "2": ("open", RED)})
READY = states({"0": ("not ready", RED), "1": ("ready", GREEN)})


def groups() -> Iterable[Group]:
    """Yield the groups of panels."""
    app = [_requests(), _durations(), _ready(), _dependencies(), _in_flight(), _lag(), _memory(), _limits()]
    yield Group("App", app)
    yield Group("AI providers", [_breakers(), _attempts(), _provider_times(), _failovers(), _ranks()])


def _requests() -> AnyPanel:
    words = Words(
        "Requests by status",
        "What all instances of the app answered to POST /v1/chat. 5xx is the app's own view of failing; what never "
        "reached "
        "it is not here, but on *Experiment*.",
        "O que as instâncias responderam; o que nem chegou a elas só aparece em *Experiment*.",
        "target-app",
    )
    return own_graph(words, "reqps", Ask(rate("chat_http_requests_total", "status", CHAT), "{{status}}"))


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
    return own_graph(words, "s", *asks)


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
    return own_graph(words, "short", Ask(held, "{{component}}"))


def _lag() -> AnyPanel:
    words = Words(
        "Event loop lag",
        "How late an instance gets to its work: something holds its loop, or it gets no processor. The worst of 4 s.",
        "Com quanto atraso uma instância chega ao seu trabalho (o pior de 4 s).",
        "target-app",
    )
    lag = f"max by (component) (chat_event_loop_lag_seconds{{{APP}}})"
    return own_graph(words, "s", Ask(lag, "{{component}}"))


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
    return own_graph(words, "reqps", Ask(said, "{{outcome}}"))


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
    return own_graph(words, "reqps", Ask(asked, "{{provider}} {{outcome}}"))


def _provider_times() -> AnyPanel:
    words = Words(
        "How long providers take, p95",
        "19 of 20 questions to a provider took no longer, whatever came of them.",
        "19 de cada 20 perguntas a um provedor não demoraram mais que isto.",
        "target-providers",
    )
    took = quantile(0.95, "chat_provider_attempt_duration_seconds", "provider", APP)
    return own_graph(words, "s", Ask(took, "{{provider}}"))


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
    return own_graph(
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
    return own_graph(words, "short", Ask(rank, "{{provider}}"))
