"""*Laboratory*: whether the instrument can be trusted, and what the target and the instrument themselves cost."""

from __future__ import annotations

from collections.abc import Iterable

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.models import common as shared
from grafana_foundation_sdk.models import dashboard as model

from dashboards import promql, tables
from dashboards.frame import CHOSEN, About, Group, dashboard
from dashboards.kit import GREEN, RED, AnyPanel, Ask, Size, Words, bars, graph, levels, rows
from dashboards.runs import runs
from harness.load.arrivals import LATENESS_BOUND_MS
from harness.observe import names

ABOUT = About(
    "chaos-laboratory",
    "Laboratory",
    "The instrument itself: was it quick enough, was the machine, and what did everything cost?",
    "O próprio instrumento: foi rápido o bastante, a máquina também, e quanto custou tudo?",
    since="now-6h",
    many=("phase", "experiment", "run"),
)
LIMIT_S = LATENESS_BOUND_MS / 1000
LINE = common.GraphThresholdsStyleConfig().mode(shared.GraphThresholdsStyleMode.LINE)


def build() -> model.Dashboard:
    """Return the dashboard."""
    return dashboard(ABOUT, _groups())


def _groups() -> Iterable[Group]:
    yield Group("The load generator", [_late(), _latest()])
    yield Group("The machine", [_pressure(), _busy(), _own_processor(), _own_memory()])
    yield Group("What it costs", [_processor(), _memory(), _bill(), _roles()])
    yield Group("Runs", [runs(CHOSEN, Size(24, 10))])


def _late() -> AnyPanel:
    words = Words(
        "Lateness of the generator",
        "How late arrivals of the last 10 s were sent: half of them, 99 of 100, and the latest. A generator that is "
        "late "
        "measures itself, so a run whose p99 is beyond the red line is void.",
        "Com quanto atraso as chegadas foram enviadas; além da linha vermelha a execução é nula.",
        "instrument",
    )
    late = f"max by (run, quantile) ({names.LATENESS.name}{{{CHOSEN}}})"
    panel = graph(words, "s", Ask(late, "q{{quantile}} {{run}}"), size=Size(16, 8)).min(0)
    return panel.thresholds(levels((None, "transparent"), (LIMIT_S, RED))).thresholds_style(LINE)


def _latest() -> AnyPanel:
    words = Words(
        "Lateness of whole runs, p99",
        f"99 of 100 arrivals of the run were sent no later. Red from {LIMIT_S:g} s on, where a run is void.",
        "99 de cada 100 chegadas foram enviadas com no máximo este atraso.",
        "instrument",
    )
    late = promql.in_range(names.RUN_LATENESS, "run", f'{CHOSEN},quantile="0.99"')
    steps = ((None, GREEN), (LIMIT_S, RED))
    return bars(words, "s", Ask(late, "{{run}}"), size=Size(8, 8), steps=steps).min(0)


def _pressure() -> AnyPanel:
    words = Words(
        "Pressure",
        "The share of time in which somebody waited for a processor, memory or the disk, from the kernel's own "
        "counters "
        "(PSI). High pressure voids nothing by itself; it says why something was late.",
        "A fração do tempo em que alguém esperou por processador, memória ou disco (PSI do kernel).",
        "machine",
    )
    pressure = f"max by (resource) ({names.PRESSURE.name}{{{CHOSEN}}})"
    return graph(words, "percentunit", Ask(pressure, "{{resource}}")).min(0).max(1)


def _busy() -> AnyPanel:
    words = Words(
        "Processors",
        "The share of all processors that was busy, and the share that the hypervisor took away for others (steal).",
        "A fração dos processadores ocupada e a que o hipervisor tomou (steal).",
        "machine",
    )
    return (
        graph(
            words,
            "percentunit",
            Ask(f"max({names.MACHINE_BUSY.name}{{{CHOSEN}}})", "busy"),
            Ask(f"max({names.MACHINE_STEAL.name}{{{CHOSEN}}})", "stolen"),
        )
        .min(0)
        .max(1)
    )


def _own_processor() -> AnyPanel:
    words = Words(
        "Processor time of the harness",
        "How many processors the harness, its load generator and Toxiproxy keep busy: 1 is one whole processor.",
        "Quantos processadores o instrumento ocupa: 1 é um processador inteiro.",
        "cost",
    )
    return graph(words, "short", Ask(promql.rate(names.HARNESS_CPU, "process"), "{{process}}")).min(0)


def _own_memory() -> AnyPanel:
    words = Words(
        "Memory of the harness",
        "Resident memory of the harness, its load generator and Toxiproxy.",
        "Memória residente do instrumento e do gerador de carga.",
        "cost",
    )
    used = f"max by (process) ({names.HARNESS_MEMORY.name}{{{CHOSEN}}})"
    return graph(words, "bytes", Ask(used, "{{process}}")).min(0)


def _processor() -> AnyPanel:
    words = Words(
        "Processor time by component",
        "How many processors each component of the target keeps busy, from the engine's own counters: 1 is one whole "
        "processor.",
        "Quantos processadores cada componente do alvo ocupa, segundo os contadores do Docker.",
        "cost",
    )
    return graph(words, "short", Ask(promql.rate(names.COMPONENT_CPU, "component"), "{{component}}")).min(0)


def _memory() -> AnyPanel:
    words = Words(
        "Memory by component",
        "Memory of each component of the target, all of its instances together.",
        "Memória de cada componente do alvo, todas as instâncias juntas.",
        "cost",
    )
    used = f"sum by (component) ({names.COMPONENT_MEMORY.name}{{{CHOSEN}}})"
    return graph(words, "bytes", Ask(used, "{{component}}")).min(0)


def _bill() -> AnyPanel:
    words = Words(
        "Cost of each component",
        "What each component used in the chosen runs: seconds of one processor, seconds for 1,000 good arrivals, and "
        "its "
        "largest memory. It is how *what does a nine cost* is answered: compare phases.",
        "Quanto cada componente usou: segundos de processador, por 1.000 chegadas boas, e o pico de memória.",
        "cost",
    )
    by = "phase, component, role"
    used = f"sum by ({by}) (last_over_time({names.COMPONENT_CPU.name}{{{CHOSEN}}}[$__range]))"
    good = f'sum by (phase) (last_over_time({names.ARRIVALS.name}{{{CHOSEN},outcome="ok"}}[$__range]))'
    panel = rows(
        words,
        "s",
        Ask(used),
        Ask(f"1000 * {used} / on (phase) group_left () {good}"),
        Ask(f"max by ({by}) (max_over_time({names.COMPONENT_MEMORY.name}{{{CHOSEN}}}[$__range]))"),
        size=Size(16, 10),
    ).decimals(2)
    columns = {"A": "processor", "B": "processor for 1,000 good", "C": "memory"}
    return tables.unit(tables.joined(panel, ["phase", "component", "role"], columns), "memory", "bytes")


def _roles() -> AnyPanel:
    words = Words(
        "Processor time by role",
        "The same, by what components are for. Simulated providers cost nothing in reality: their bill comes from "
        "them.",
        "O mesmo por papel; provedores simulados não têm este custo na realidade.",
        "cost",
    )
    used = f"sum by (phase, role) (last_over_time({names.COMPONENT_CPU.name}{{{CHOSEN}}}[$__range]))"
    return bars(words, "s", Ask(used, "{{phase}} {{role}}"), size=Size(8, 10)).min(0)
