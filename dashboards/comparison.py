"""*Comparison*: the same experiments on every phase, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grafana_foundation_sdk.models import dashboard as model

from dashboards import promql, tables
from dashboards.frame import CHOSEN, About, Group, dashboard
from dashboards.kit import GREEN, RED, YELLOW, AnyPanel, Ask, Size, Words, bars, rows
from dashboards.runs import runs
from harness.observe import names

ABOUT = About(
    "chaos-comparison",
    "Comparison",
    "The same experiments on v1 to v4: a line is an experiment, a column is a phase. A cell is the mean of all of "
    "its runs "
    "in the time range; an empty one was not run.",
    "Os mesmos experimentos da v1 à v4: linhas são experimentos, colunas são fases. Uma célula é a média das "
    "execuções.",
    since="now-7d",
    exact=False,
    many=("phase", "experiment", "run"),
)
CELL = "phase, experiment"
NINES = ((None, RED), (0.95, YELLOW), (0.99, GREEN))
SECONDS = ((None, GREEN), (5.0, YELLOW), (20.0, RED))
WAITS = ((None, GREEN), (2.0, YELLOW), (5.0, RED))
LOSSES = ((None, GREEN), (1.0, RED))


def build() -> model.Dashboard:
    """Return the dashboard."""
    return dashboard(ABOUT, _groups())


def _groups() -> Iterable[Group]:
    yield Group("Availability", [_availability(), _overall()])
    yield Group("What a fault costs", [_lost(), _recovery(), _mitigation(), _latency(), _messages(), _processor()])
    yield Group("Runs", [runs(CHOSEN, Size(24, 12))])


def _matrix(
    words: Words, unit: str, expr: str, steps: Sequence[tuple[float | None, str]], size: Size | None = None
) -> AnyPanel:
    panel = rows(words, unit, Ask(expr), size=size or Size(12, 10), steps=steps, coloured=True)
    return tables.matrix(panel, "experiment", "phase").no_value("not run")


def _mean(metric: names.Metric, chosen: str = CHOSEN) -> str:
    return promql.in_range(metric, CELL, chosen, "avg")


def _availability() -> AnyPanel:
    words = Words(
        "Availability",
        "Good of scheduled arrivals in the whole run. Green from 99 % on, yellow from 95 % on. The colours compare; "
        "whether "
        "a claim holds stands in *Claims*.",
        "Chegadas boas sobre as agendadas. As cores comparam; se uma promessa vale está em *Claims*.",
        "comparison",
    )
    return _matrix(words, "percentunit", _mean(names.AVAILABILITY), NINES, Size(16, 12)).decimals(2)


def _overall() -> AnyPanel:
    words = Words(
        "Availability over all experiments",
        "The mean over all experiments of a phase. Compare only phases that ran the same experiments: an average over "
        "other questions says nothing.",
        "A média sobre todos os experimentos de uma fase; compare só fases com os mesmos experimentos.",
        "comparison",
    )
    mean = f"avg by (phase) ({_mean(names.AVAILABILITY)})"
    return bars(words, "percentunit", Ask(mean, "{{phase}}"), size=Size(8, 12), steps=NINES).min(0).max(1)


def _lost() -> AnyPanel:
    words = Words(
        "Lost seconds of a fault",
        "Bad arrivals because of the fault, as seconds of the arrival rate: 10 means that as much was lost as in 10 "
        "s of "
        "total outage.",
        "Chegadas ruins por causa da falha, em segundos: 10 equivale a 10 s de queda total.",
        "what-a-fault-costs",
    )
    return _matrix(words, "s", _mean(names.LOST), SECONDS).decimals(1)


def _recovery() -> AnyPanel:
    words = Words(
        "Recovery after a fault",
        "How long after the fault's end until users were served as before. Where that was never seen, how long was "
        "watched.",
        "Quanto tempo depois do fim da falha até tudo voltar ao normal; se não voltou, por quanto tempo se observou.",
        "what-a-fault-costs",
    )
    return _matrix(words, "s", _mean(names.RECOVERY), SECONDS).decimals(1)


def _mitigation() -> AnyPanel:
    words = Words(
        "Mitigation while the fault is on",
        "How long until users were served again although the fault was still there: the work of redundancy. Where "
        "that was "
        "never seen, how long the fault lasted.",
        "Quanto tempo até servir de novo com a falha ainda presente: é o trabalho da redundância.",
        "what-a-fault-costs",
    )
    return _matrix(words, "s", _mean(names.MITIGATION), SECONDS).decimals(1)


def _latency() -> AnyPanel:
    words = Words(
        "Latency of good answers, p95",
        "19 of 20 good answers took no longer. Exact, not from a histogram.",
        "19 de cada 20 respostas boas não demoraram mais que isto (valor exato).",
        "what-a-fault-costs",
    )
    return _matrix(words, "s", _mean(names.LATENCY, f'{CHOSEN},quantile="0.95",of="good"'), WAITS).decimals(2)


def _messages() -> AnyPanel:
    words = Words(
        "Messages lost",
        "Acknowledged messages that were not there after the run, in all runs of the cell. One is too many.",
        "Mensagens confirmadas que não existiam depois da execução. Uma já é demais.",
        "messages",
    )
    lost = promql.in_range(names.MESSAGES, CELL, f'{CHOSEN},state="lost"', "sum")
    return _matrix(words, "short", lost, LOSSES).decimals(0)


def _processor() -> AnyPanel:
    words = Words(
        "Processor time of the target",
        "What all components of the target used in a run, in seconds of one processor: what an availability costs.",
        "Tempo de processador de todos os componentes do alvo numa execução: quanto custa uma disponibilidade.",
        "cost",
    )
    used = f"sum by ({', '.join(names.RUN)}) (last_over_time({names.COMPONENT_CPU.name}{{{CHOSEN}}}[$__range]))"
    return _matrix(words, "s", f"avg by ({CELL}) ({used})", ((None, "transparent"),)).decimals(1)
