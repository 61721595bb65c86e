"""The table of runs, which is how one gets from a week of campaigns to the minute of one run."""

from __future__ import annotations

from grafana_foundation_sdk.builders import table

from dashboards import tables
from dashboards.kit import GREEN, RED, Ask, Size, Words, rows, states
from harness.observe import names

EXPERIMENT = "chaos-experiment"
"""The address of the dashboard of one run."""

LOOKED_AT_S = 10
"""How fine a run's begin and end are looked for; no run is shorter than three of these."""

WORDS = Words(
    "Runs",
    "Every run in the time range, with its begin and its end. Click a run to open it in the dashboard *Experiment* "
    "with "
    "the time axis set to it.",
    "Todas as execuções no intervalo. Clique numa delas para a abrir em *Experiment*, com o eixo do tempo ajustado a "
    "ela.",
    "runs",
)

VALID = states({"0": ("void", RED), "1": ("valid", GREEN)})


def runs(chosen: str, size: Size | None = None) -> table.Panel:
    """Return the table of the runs that the matchers `chosen` leave."""
    by = "phase, experiment, run"
    every = f"[$__range:{LOOKED_AT_S}s]"
    during = f"timestamp({names.EXPERIMENT_ACTIVE.name}{{{chosen}}} == 1){every}"
    judged = f"timestamp({names.RUN_VALID.name}{{{chosen}}}){every}"  # the last that is known of a run that is over
    panel = rows(
        WORDS,
        "none",
        Ask(f"1000 * (min by ({by}) (min_over_time({during})) - {2 * LOOKED_AT_S})"),
        Ask(
            f"1000 * ((max by ({by}) (max_over_time({judged})) or max by ({by}) (max_over_time({during}))) "
            f"+ {2 * LOOKED_AT_S})"
        ),
        Ask(_known(names.AVAILABILITY, by, chosen)),
        Ask(_known(names.RUN_VALID, by, chosen)),
        size=size,
    )
    columns = {"A": "begin", "B": "end", "C": "availability", "D": "instrument"}
    panel = tables.joined(panel, ["run", "phase", "experiment"], columns)
    for column in ("begin", "end"):
        panel = tables.unit(panel, column, "dateTimeAsIso")
    panel = tables.unit(panel, "availability", "percentunit", decimals=2)
    panel = tables.in_words(panel, "instrument", VALID)
    return tables.leads_to(panel, "run", "Open this run", link())


def link() -> str:
    """Return the address that opens the run of a row, with its time range."""
    chosen = "&".join(f"var-{label}=${{__data.fields.{label}}}" for label in names.RUN)
    time = "from=${__data.fields.begin.numeric}&to=${__data.fields.end.numeric}"
    return f"/d/{EXPERIMENT}?{chosen}&{time}"


def _known(metric: names.Metric, by: str, chosen: str) -> str:
    return f"max by ({by}) (last_over_time({metric.name}{{{chosen}}}[$__range]))"
