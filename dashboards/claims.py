"""*Claims*: what was claimed beside what was measured, and how much of the error budget that leaves."""

from __future__ import annotations

from collections.abc import Iterable

from grafana_foundation_sdk.models import common as shared
from grafana_foundation_sdk.models import dashboard as model

from dashboards import promql, tables
from dashboards.frame import About, Group, dashboard, selector
from dashboards.kit import GREEN, RED, YELLOW, AnyPanel, Ask, Size, Words, bars, figures, graph, rows
from harness.observe import names

ABOUT = About(
    "chaos-claims",
    "Claims",
    "What was claimed for each phase, and what the experiments measured.",
    "O que foi prometido para cada fase e o que os experimentos mediram.",
    since="now-7d",
    exact=False,
    many=("phase", "experiment", "run"),
)
CAMPAIGNS = selector("phase")
TESTED = selector("phase", "experiment")
CLAIM = "phase, campaign, claim"
SPENT = ((None, RED), (0.0, YELLOW), (0.5, GREEN))
"""Below 0 the budget is overspent; below a half it is time to look."""


def build() -> model.Dashboard:
    """Return the dashboard."""
    return dashboard(ABOUT, _groups())


def _groups() -> Iterable[Group]:
    yield Group("Verdicts", [_counts(), _campaigns(), _verdicts()])
    yield Group("Claimed and measured", [_measured()])
    yield Group("Error budget", [_budgets(), _worst(), _spending()])


def _counts() -> AnyPanel:
    words = Words(
        "Verdicts",
        "How many claims got which verdict, in all campaigns of the time range. INCONCLUSIVE is no pass: too little "
        "was "
        "measured, or the instrument failed.",
        "Quantas promessas receberam cada veredicto; INCONCLUSIVE não é aprovação.",
        "verdicts",
    )
    counted = f"count by (phase, verdict) (last_over_time({names.CLAIM_VERDICT.name}{{{TESTED}}}[$__range]))"
    return figures(words, "short", Ask(counted, "{{phase}} {{verdict}}"), size=Size(12, 6)).decimals(0)


def _campaigns() -> AnyPanel:
    words = Words(
        "Campaigns",
        "Which campaigns the verdicts come from, of which version of this repository (-dirty: with changes that were "
        "not "
        "committed), and whether its instrument can be trusted.",
        "De quais campanhas vêm os veredictos, de qual versão do repositório, e se o instrumento é confiável.",
        "verdicts",
    )
    info = promql.in_range(names.CAMPAIGN_INFO, "phase, campaign, git, valid", CAMPAIGNS)
    panel = tables.joined(
        rows(words, "short", Ask(info), size=Size(12, 6)), ["phase", "campaign", "git", "valid"], {"A": "judged"}
    )
    return tables.hidden(panel, "judged")


def _verdicts() -> AnyPanel:
    words = Words(
        "Claimed against measured",
        "One line for each claim of each campaign: what was claimed (*bound*, to be reached or not to be exceeded), "
        "what "
        "was measured, the 95 % interval, and the verdict. The unit is in a column of its own: a share of 1, seconds, "
        "users or a number. A claim without a measurement has not been tested.",
        "Uma linha por promessa: o prometido (*bound*), o medido, o intervalo de 95 % e o veredicto. "
        "Sem medida, a promessa não foi testada.",
        "verdicts",
    )
    judged = f"{CLAIM}, experiment, kind, verdict"
    panel = rows(
        words,
        "short",
        Ask(promql.in_range(names.CLAIM_BOUND, f"{CLAIM}, check, unit, direction", CAMPAIGNS)),
        Ask(promql.in_range(names.CLAIM_MEASURED, f"{CLAIM}, unit", CAMPAIGNS)),
        Ask(promql.in_range(names.CLAIM_LOW, f"{CLAIM}, unit", CAMPAIGNS)),
        Ask(promql.in_range(names.CLAIM_HIGH, f"{CLAIM}, unit", CAMPAIGNS)),
        Ask(promql.in_range(names.CLAIM_VERDICT, judged, TESTED)),
        size=Size(24, 14),
    ).decimals(4)
    columns = ["phase", "claim", "verdict", "experiment", "kind", "check", "direction", "unit"]
    values = {"A": "bound", "B": "measured", "C": "low", "D": "high", "E": "judged"}
    panel = tables.joined(panel, columns, values)
    return tables.in_words(tables.hidden(panel, "judged"), "verdict", tables.VERDICTS)


def _measured() -> AnyPanel:
    words = Words(
        "Availability, claimed and measured",
        "For each claim about an availability: what was measured, and what was claimed. The same from campaign to "
        "campaign "
        "means that the figure can be relied on.",
        "Para cada promessa de disponibilidade: o medido e o prometido, de campanha em campanha.",
        "claimed-and-measured",
    )
    by = "phase, claim"
    shares = f'{CAMPAIGNS},check=~"{promql.AVAILABILITY_CHECKS}"'
    bound = f"max by ({by}) ({names.CLAIM_BOUND.name}{{{shares}}})"
    measured = f"max by ({by}) ({names.CLAIM_MEASURED.name}{{{CAMPAIGNS}}}) and on ({by}) {bound}"
    panel = graph(
        words,
        "percentunit",
        Ask(measured, "{{phase}} {{claim}} measured"),
        Ask(bound, "{{phase}} {{claim}} claimed"),
        size=Size(24, 10),
    )
    points = [model.DynamicConfigValue(id_val="custom.drawStyle", value="points")]
    return panel.min(0).max(1).show_points(shared.VisibilityMode.ALWAYS).override_by_query("A", points)


def _budgets() -> AnyPanel:
    words = Words(
        "Error budget left, by claim",
        "A claim of 99.9 % allows 1 bad arrival in 1,000. Of what was allowed this much is left: 100 % when nothing "
        "was "
        "bad, 0 % at the claim's bound, less when more was bad than allowed. Claims of 100 % have no budget and are "
        "not "
        "here.",
        "Do que a promessa permite falhar, quanto resta: 100 % se nada falhou, 0 % no limite, negativo além dele.",
        "error-budget",
    )
    left = promql.budget_left("phase, claim", CAMPAIGNS)
    return bars(words, "percentunit", Ask(left, "{{phase}} {{claim}}"), size=Size(16, 12), steps=SPENT).min(-1).max(1)


def _worst() -> AnyPanel:
    words = Words(
        "Worst error budget of each phase",
        "The claim of a phase that has the least left: the first that is broken when more goes wrong.",
        "A promessa de cada fase com menos orçamento restante.",
        "error-budget",
    )
    return figures(
        words,
        "percentunit",
        Ask(promql.budget_left("phase", CAMPAIGNS), "{{phase}}"),
        size=Size(8, 12),
        steps=SPENT,
    )


def _spending() -> AnyPanel:
    words = Words(
        "Bad arrivals, run by run",
        "The share of arrivals that were bad in each run, at its end. It is what spends the budgets above.",
        "A fração de chegadas ruins em cada execução: é o que gasta os orçamentos acima.",
        "error-budget",
    )
    bad = f"1 - max by (phase, experiment, run) ({names.AVAILABILITY.name}{{{selector(*names.RUN)}}})"
    panel = graph(words, "percentunit", Ask(bad, "{{phase}} {{experiment}}"), size=Size(24, 8)).min(0)
    return panel.show_points(shared.VisibilityMode.ALWAYS)
