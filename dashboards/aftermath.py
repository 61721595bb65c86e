"""Panels of *Experiment* about what came after the fault: recovery, messages, and what the target did about it."""

from __future__ import annotations

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models import common as shared
from grafana_foundation_sdk.models import dashboard as model

from dashboards import promql, tables
from dashboards.frame import CHOSEN
from dashboards.kit import ON_OFF, YELLOW, AnyPanel, Ask, Size, Words, figures, graph, rows, timeline
from harness.observe import names


def recovery() -> AnyPanel:
    """Return how long it took until users were served again."""
    words = Words(
        "Recovery",
        "For each fault: *mitigated* is how long it took until users were served although it was still on, *recovered* "
        "how long after its end until all was as before, *lost* the bad arrivals it cost, as seconds of the arrival "
        "rate. "
        "Where *censored* is true it had not happened when watching ended, and the value is how long was watched.",
        "Por falha: tempo até voltar a servir, tempo até se recuperar e segundos perdidos. *censored*: não aconteceu.",
        "recovery",
    )
    about = "fault, target, strike"
    panel = rows(
        words,
        "s",
        Ask(promql.known(names.MITIGATION, f"{about}, censored")),
        Ask(promql.known(names.RECOVERY, f"{about}, censored")),
        Ask(promql.known(names.LOST, about)),
        size=Size(16, 6),
    ).decimals(2)
    columns = {"A": "mitigated", "B": "recovered", "C": "lost"}
    return tables.joined(panel, ["fault", "target", "strike", "censored"], columns)


def messages() -> AnyPanel:
    """Return what became of acknowledged messages."""
    words = Words(
        "Messages afterwards",
        "Every message whose storage was acknowledged is looked for again after the run: lost, duplicated, "
        "reordered, or "
        "not to be asked for (unchecked). Anything but acknowledged should be 0.",
        "Cada mensagem confirmada é procurada depois da execução: perdida, duplicada, fora de ordem ou não verificada.",
        "messages",
    )
    found = promql.known(names.MESSAGES, "state")
    return figures(words, "short", Ask(found, "{{state}}"), size=Size(8, 6)).decimals(0)


def replicas() -> AnyPanel:
    """Return how many instances ran and were wanted."""
    words = Words(
        "Instances",
        "Instances of each component that ran (lines), and how many the autoscaler wanted (dashed). A line that "
        "follows "
        "late is how long a new instance takes to start.",
        "Instâncias em execução (linhas) e quantas o autoscaler queria (tracejado).",
        "instances",
    )
    wanted = f"max by (component) ({names.DECISION.name}{{{CHOSEN}}})"
    running = f"max by (component) ({names.REPLICAS.name}{{{CHOSEN}}})"
    panel = graph(words, "short", Ask(running, "{{component}}"), Ask(wanted, "{{component}} wanted"))
    panel = panel.min(0).decimals(0).line_interpolation(shared.LineInterpolation.STEP_AFTER)
    return dashed(panel, "B", None)


def answers() -> AnyPanel:
    """Return who wrote the answers."""
    words = Words(
        "Good answers by provider",
        "Which AI provider wrote the answers. A fail-over is one line falling while another rises.",
        "Qual provedor de IA escreveu as respostas: num failover uma linha cai e outra sobe.",
        "providers",
    )
    return graph(words, "reqps", Ask(promql.rate(names.ANSWERS, "provider"), "{{provider}}")).min(0)


def alerts() -> AnyPanel:
    """Return when somebody was called."""
    words = Words(
        "Alerts",
        "When the target's own monitoring called somebody: from the moment at which the pager heard of an alert "
        "until it "
        "was taken back. Compare its begin with that of the fault.",
        "Quando a monitoração do próprio alvo chamou alguém, do primeiro aviso até a resolução.",
        "alerts",
    )
    firing = f"max by (alertname, severity) ({names.ALERT_FIRING.name}{{{CHOSEN}}})"
    return timeline(words, ON_OFF, Ask(firing, "{{alertname}} ({{severity}})"), size=Size(24, 6))


def dashed(panel: timeseries.Panel, query: str, colour: str | None = YELLOW) -> timeseries.Panel:
    """Draw the lines of a query dashed: they are what should be, not what was."""
    look = [
        model.DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash", "dash": [8, 6]}),
        model.DynamicConfigValue(id_val="custom.fillOpacity", value=0),
        model.DynamicConfigValue(id_val="custom.showPoints", value="never"),
    ]
    if colour:
        look.append(model.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour}))
    return panel.override_by_query(query, look)
