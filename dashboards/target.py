"""*Target*: what the system under test says about itself, by its own Prometheus (targets/parts/monitoring)."""

from __future__ import annotations

from collections.abc import Iterable

from grafana_foundation_sdk.models import common as shared
from grafana_foundation_sdk.models import dashboard as model

from dashboards import target_app, target_stores
from dashboards.frame import About, Group, dashboard
from dashboards.kit import TARGET, UP_DOWN, AnyPanel, Ask, Size, Words, graph, timeline
from dashboards.target_kit import own_graph, rate

ABOUT = About(
    "chaos-target",
    "Target",
    "The system under test, as its own monitoring sees it. From v3 on a target has a Prometheus of its own; choose "
    "it above.",
    "O sistema em teste visto pela sua própria monitoração (a partir da v3). Escolha acima o Prometheus do alvo.",
    since="now-15m",
    live=True,
    target=True,
)


def build() -> model.Dashboard:
    """Return the dashboard."""
    return dashboard(ABOUT, _groups())


def _groups() -> Iterable[Group]:
    yield Group("What is there", [_up()])
    yield from target_app.groups()
    yield Group("Edge and balancers (HAProxy)", [_balanced(), _responses(), _servers(), _queues()])
    yield from target_stores.groups()
    yield Group("Autoscaler", [_wanted(), _load()])


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


def _balanced() -> AnyPanel:
    words = Words(
        "Requests through HAProxy",
        "Requests that the edge and each balancer passed on.",
        "Pedidos que a borda e cada balanceador encaminharam.",
        "target-haproxy",
    )
    passed = rate("haproxy_backend_http_requests_total", "component, proxy", 'proxy=~"origins|apps"')
    return own_graph(words, "reqps", Ask(passed, "{{component}} {{proxy}}"))


def _responses() -> AnyPanel:
    words = Words(
        "Responses by class at the edge",
        "What users got from the edge. 5xx is the outage as the outermost part of the target saw it.",
        "O que a borda respondeu aos usuários; 5xx é a queda vista de fora.",
        "target-haproxy",
    )
    got = rate("haproxy_backend_http_responses_total", "code", 'job="edge",proxy="origins"')
    return own_graph(words, "reqps", Ask(got, "{{code}}"))


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
    return own_graph(
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
    return own_graph(
        words,
        "short",
        Ask("max by (service) (autoscaler_metric_value)", "{{service}}"),
        Ask("max(autoscaler_metric_target)", "should hold"),
    )
