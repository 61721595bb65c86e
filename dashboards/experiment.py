"""*Experiment*: one run, from the fault to what users felt and what the target did about it."""

from __future__ import annotations

from collections.abc import Iterable

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.models import common as shared
from grafana_foundation_sdk.models import dashboard as model

from dashboards import aftermath, promql
from dashboards.frame import CHOSEN, About, Group, dashboard
from dashboards.kit import (
    GREEN,
    GREY,
    ON_OFF,
    AnyPanel,
    Ask,
    Size,
    Words,
    figures,
    graph,
    states,
    timeline,
)
from dashboards.runs import EXPERIMENT, VALID, runs
from harness.observe import names

ABOUT = About(
    EXPERIMENT,
    "Experiment",
    "One run: what was done to the target, what its users met, and how it came back.",
    "Uma execução: o que foi feito ao alvo, o que os usuários sentiram e como ele se recuperou.",
    since="now-24h",
    live=True,
)

UNDER_WAY = states({"0": ("not yet, or over", "transparent"), "1": ("under way", GREEN)})


def build() -> model.Dashboard:
    """Return the dashboard."""
    return dashboard(ABOUT, _groups())


def _groups() -> Iterable[Group]:
    yield Group("What was done", [_faults()])
    yield Group("What users met", [*_outcome(), _availability(), _latency(), _arrivals(), _places()])
    yield Group("How it came back", [aftermath.recovery(), aftermath.messages()])
    yield Group("What the target did", [aftermath.replicas(), aftermath.answers(), aftermath.alerts()])
    yield Group("Where the run is", [runs(CHOSEN, Size(24, 5))])


def _faults() -> AnyPanel:
    words = Words(
        "Faults",
        "When each fault bit, as its receipt says: proof from outside that it had its effect. A run without a fault "
        "is a "
        "control run, and has one green line.",
        "Quando cada falha teve efeito, segundo o seu recibo. Uma execução sem falhas é um controle.",
        "faults",
    )
    faults = f"max by (fault, target) ({names.FAULT_ACTIVE.name}{{{CHOSEN}}})"
    running = f"max by (experiment) ({names.EXPERIMENT_ACTIVE.name}{{{CHOSEN}}})"
    panel = timeline(
        words, ON_OFF, Ask(faults, "{{fault}}: {{target}}"), Ask(running, "{{experiment}} under way"), size=Size(24, 6)
    )
    colour = model.DynamicConfigValue(id_val="mappings", value=UNDER_WAY)
    return panel.override_by_query("B", [colour])


def _outcome() -> Iterable[AnyPanel]:
    words = Words(
        "Availability of the run",
        "Good of scheduled arrivals in the whole run, with its 95 % interval. Good means right, complete and in time, "
        "counted from the moment at which it was due. A short run cannot prove a yearly figure.",
        "Chegadas boas sobre as agendadas em toda a execução, com intervalo de 95 %.",
        "availability",
    )
    yield figures(
        words,
        "percentunit",
        Ask(promql.known(names.AVAILABILITY_LOW, ""), "at least"),
        Ask(promql.known(names.AVAILABILITY, ""), "measured"),
        Ask(promql.known(names.AVAILABILITY_HIGH, ""), "at most"),
        size=Size(10, 4),
    ).decimals(2)
    words = Words(
        "Arrivals",
        "How many were due, and how many of them were good. These two numbers are those of the summary.",
        "Quantas chegadas eram devidas e quantas foram boas; são os números do resumo.",
        "availability",
    )
    yield figures(
        words,
        "short",
        Ask(_counted(names.SCHEDULED.name, CHOSEN), "due"),
        Ask(_counted(names.ARRIVALS.name, f'{CHOSEN},outcome="ok"'), "good"),
        size=Size(8, 4),
    ).decimals(0)
    words = Words(
        "Instrument",
        "A run is void when the instrument failed and not the target: then nothing is judged by it.",
        "Uma execução é nula quando falhou o instrumento e não o alvo; ela não conta para nenhum veredicto.",
        "instrument",
    )
    yield figures(words, "bool", Ask(promql.known(names.RUN_VALID, ""), "run"), size=Size(6, 4), mappings=VALID)


def _counted(name: str, chosen: str) -> str:
    """The last value of a counter that began with 0 at the run's start is the whole run."""
    return f"sum(last_over_time({name}{{{chosen}}}{promql.AROUND}))"


def _availability() -> AnyPanel:
    words = Words(
        "Availability against the claim",
        "Good of all arrivals that were over in the last seconds. The dashed lines are what the claims say that this "
        "experiment is about; they are known once the campaign is judged.",
        "Fração boa das chegadas concluídas nos últimos segundos; as linhas tracejadas são o que foi prometido.",
        "availability",
    )
    panel = graph(
        words,
        "percentunit",
        Ask(promql.share_good(), "measured"),
        Ask(promql.bounds(promql.AVAILABILITY_CHECKS), "claimed: {{claim}}"),
    )
    return aftermath.dashed(panel.min(0).max(1), "B")


def _latency() -> AnyPanel:
    words = Words(
        "Latency of good answers",
        "How long users waited, from the moment at which their request was due: half, 19 of 20 and 99 of 100 waited no "
        "longer. Interpolated between the bounds of a histogram. The dashed lines are objectives of the claims. Bad "
        "arrivals are not in it: look at the availability beside it.",
        "Quanto os usuários esperaram por respostas boas, desde o momento devido; as linhas tracejadas são os "
        "objetivos.",
        "latency",
    )
    panel = graph(
        words,
        "s",
        Ask(promql.quantile(0.5), "p50"),
        Ask(promql.quantile(0.95), "p95"),
        Ask(promql.quantile(0.99), "p99"),
        Ask(promql.bounds("latency", of_experiment=False), "claimed: {{claim}}"),
    )
    return aftermath.dashed(panel.min(0), "D")


def _arrivals() -> AnyPanel:
    words = Words(
        "Arrivals by outcome",
        "What became of arrivals, by the moment at which they were over. *ok* is good; everything else is not, and "
        "says "
        "why. The line is what was due: it stays level through an outage, because arrivals do not wait for the target.",
        "O que aconteceu com as chegadas; *ok* é bom, o resto diz o motivo. A linha é o que estava agendado.",
        "arrivals",
    )
    stacked = common.StackingConfig().mode(shared.StackingMode.NORMAL).group("outcomes")
    panel = graph(
        words,
        "reqps",
        Ask(promql.rate(names.ARRIVALS, "outcome"), "{{outcome}}"),
        Ask(promql.rate(names.SCHEDULED, ""), "due"),
    )
    panel = panel.stacking(stacked).fill_opacity(60)
    line = [
        model.DynamicConfigValue(id_val="custom.stacking", value={"mode": "none", "group": "due"}),
        model.DynamicConfigValue(id_val="custom.fillOpacity", value=0),
        model.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": GREY}),
    ]
    good = [model.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": GREEN})]
    return panel.override_by_query("B", line).override_by_name("ok", good)


def _places() -> AnyPanel:
    words = Words(
        "Availability by place",
        "The same for users of each place. *anywhere* is the only place of a run that has none.",
        "O mesmo para os usuários de cada lugar; *anywhere* quando a execução não distingue lugares.",
        "availability",
    )
    return graph(words, "percentunit", Ask(promql.share_good("place"), "{{place}}")).min(0).max(1)
