"""What every dashboard has around its panels: variables, fault windows on the time axis, ways to the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model

from dashboards.fault_windows import fault_windows
from dashboards.kit import LABORATORY, TARGET, AnyPanel, source
from harness.observe import names

DOCS = "http://127.0.0.1:8080/docs/dashboards"
"""Where the laboratory's pages show docs/dashboards.md. A variable of each dashboard, so that one word changes it."""

TAG = "chaos"
"""Of all dashboards, and of all annotations that the harness writes (harness/observe/annotations.py)."""

LABELS = ("phase", "experiment", "run")
T = TypeVar("T")
GRAFANA = model.DataSourceRef(type_val="grafana", uid="-- Grafana --")


@dataclass(frozen=True)
class About:
    """A dashboard: its fixed address, its name, what it is for, and what is chosen in it.

    `many` are the variables of which several may be chosen at once. `since` is where its time range begins. `exact`
    fault windows cost a look at every second of the time range, and are for dashboards of hours, not of weeks. `live`
    ones are asked again each 10 s, others each minute.
    """

    uid: str
    title: str
    english: str
    portuguese: str
    since: str
    many: Sequence[str] = ()
    target: bool = False
    exact: bool = True
    live: bool = False


@dataclass(frozen=True)
class Group:
    """Panels under a heading. Their widths fill rows of 24."""

    title: str
    panels: Sequence[AnyPanel]


class _Given(Builder[T]):
    """What is there already, for those who ask for a builder of it."""

    def __init__(self, made: T) -> None:
        self._made = made

    def build(self) -> T:
        return self._made


def selector(*labels: str) -> str:
    """Return the matchers for what is chosen: selector("phase", "run") is phase=~"$phase",run=~"$run"."""
    return ",".join(f'{label}=~"${label}"' for label in labels)


CHOSEN = selector(*LABELS)
"""The runs that are chosen."""


def dashboard(about: About, groups: Iterable[Group]) -> model.Dashboard:
    """Return a dashboard for Grafana 11.6. Panels get their numbers from 1 on, in order."""
    made = (
        build.Dashboard(about.title)
        .uid(about.uid)
        .description(f"{about.english}\n\n{about.portuguese}")
        .tags([TAG])
        .time(about.since, "now")
        .refresh("10s" if about.live else "1m")
        .timezone("browser")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .readonly()
        .link(_others())
        .link(_explained())
        .annotations([_Given(fault_windows(CHOSEN, exact=about.exact)), _Given(_written_down())])
    )
    for variable in _variables(about):
        made = made.with_variable(variable)
    number = count(1)
    for group in groups:
        made = made.with_row(build.Row(group.title).id(next(number)))
        for panel in group.panels:
            made = made.with_panel(panel.id(next(number)))
    return made.build()


def _written_down() -> model.AnnotationQuery:
    """The same windows as the harness wrote them into Grafana: off, because two of each is one too many."""
    tags = model.AnnotationTarget(limit=1000, match_any=False, tags=[TAG], type_val="tags")
    return model.AnnotationQuery(
        name="Written down by the harness", datasource=GRAFANA, enable=False, icon_color="#8250df", target=tags
    )


def _others() -> build.DashboardLink:
    link = build.DashboardLink("Dashboards").type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.keep_time(True).include_vars(True).as_dropdown(False)


def _explained() -> build.DashboardLink:
    return build.DashboardLink("Explained").type(model.DashboardLinkType.LINK).url("${docs}").target_blank(True)


def _variables(about: About) -> Iterable[Builder[model.VariableModel]]:
    yield _prometheus("datasource", "Laboratory", "chaos-laboratory", "The laboratory's Prometheus")
    if about.target:
        yield _prometheus("target", "Target", "chaos-target", "The Prometheus of the target itself")
    for place, label in enumerate(LABELS):
        yield _choice(label, selector(*LABELS[:place]), label in about.many)
    yield _Given(_documentation())


def _documentation() -> model.VariableModel:
    """Hidden, which the SDK's builder of constants cannot say."""
    hidden = model.VariableHide.HIDE_VARIABLE
    kind = model.VariableType.CONSTANT
    return model.VariableModel(type_val=kind, name="docs", query=DOCS, hide=hidden, skip_url_sync=True)


def _prometheus(name: str, title: str, uid: str, label: str) -> build.DatasourceVariable:
    wanted = model.VariableOption(text=title, value=uid)
    return build.DatasourceVariable(name).label(label).type("prometheus").current(wanted)


def _choice(label: str, among: str, many: bool) -> build.QueryVariable:
    """The newest run is the first: its campaign begins with the date. Asked again when the time range changes."""
    values = f"label_values({names.EXPERIMENT_ACTIVE.name}{{{among}}}, {label})"
    choice = (
        build.QueryVariable(label)
        .label(label.capitalize())
        .datasource(source(LABORATORY))
        .query({"qryType": 1, "query": values, "refId": "PrometheusVariableQueryEditor-VariableQuery"})
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_DESC if label == "run" else model.VariableSort.ALPHABETICAL_ASC)
    )
    if many:
        everything = model.VariableOption(text=["All"], value=["$__all"])
        choice = choice.multi(True).include_all(True).all_value(".+").current(everything)
    return choice


__all__ = ["CHOSEN", "LABORATORY", "TARGET", "About", "Group", "dashboard", "selector"]
