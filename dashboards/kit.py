"""Panels as this laboratory wants them: each has a title, an explanation in two languages, a unit and a way to more.

The SDK has no common class of panel builders, so what they share is done here for all of them at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as shared
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

LABORATORY, TARGET = "${datasource}", "${target}"
"""Which of the two Prometheus is asked: variables of the dashboard."""

GREEN, YELLOW, RED, BLUE, GREY = "#1a7f37", "#d4a72c", "#cf222e", "#0969da", "#8c959f"
"""The colours of the reports, so that red means the same everywhere."""

STEP = "1s"
"""No panel asks for less than a second apart: nothing is recorded finer."""

P = TypeVar("P", timeseries.Panel, stat.Panel, table.Panel, bargauge.Panel, statetimeline.Panel)
AnyPanel = timeseries.Panel | stat.Panel | table.Panel | bargauge.Panel | statetimeline.Panel


@dataclass(frozen=True)
class Words:
    """What a reader is told about a panel. `anchor` is its place in docs/dashboards.md."""

    title: str
    english: str
    portuguese: str
    anchor: str

    @property
    def description(self) -> str:
        """Both languages, as Markdown, which is what Grafana shows behind the (i)."""
        return f"{self.english}\n\n_Em português:_ {self.portuguese}"


@dataclass(frozen=True)
class Ask:
    """One query. Without `legend` Grafana names a line by all of its labels."""

    expr: str
    legend: str = "__auto"


@dataclass(frozen=True)
class Size:
    """Of a panel, on Grafana's grid of 24 columns; a row is about 30 pixels high."""

    width: int = 12
    height: int = 8


def source(uid: str = LABORATORY) -> model.DataSourceRef:
    """Return a reference to a Prometheus."""
    return model.DataSourceRef(type_val="prometheus", uid=uid)


def levels(*steps: tuple[float | None, str]) -> build.ThresholdsConfig:
    """Return colours from values on; the first one has no value and holds below all others."""
    found = [model.Threshold(value=value, color=colour) for value, colour in steps]
    return build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(found)


NEUTRAL = ((None, BLUE),)


def states(names: dict[str, tuple[str, str]]) -> list[model.ValueMapping]:
    """Return words and colours for values: value -> (word, colour)."""
    return [
        model.ValueMap(
            options={
                value: model.ValueMappingResult(text=word, color=colour, index=place)
                for place, (value, (word, colour)) in enumerate(names.items())
            }
        )
    ]


ON_OFF = states({"0": ("off", "transparent"), "1": ("on", RED)})
UP_DOWN = states({"0": ("down", RED), "1": ("up", GREEN)})


def graph(words: Words, unit: str, *asks: Ask, size: Size | None = None, uid: str = LABORATORY) -> timeseries.Panel:
    """Return lines over time. A gap means that nothing was measured, and is left open."""
    panel = _dressed(timeseries.Panel(), words, unit, size or Size(), uid)
    for place, ask in enumerate(asks):
        panel = panel.with_target(_query(ask, place, uid).range().interval(STEP))
    return (
        panel.interval(STEP)
        .thresholds(levels(*NEUTRAL))
        .fill_opacity(8)
        .show_points(shared.VisibilityMode.AUTO)
        .legend(_legend())
        .tooltip(_tooltip())
    )


def timeline(
    words: Words, mappings: list[model.ValueMapping], *asks: Ask, size: Size | None = None, uid: str = LABORATORY
) -> statetimeline.Panel:
    """Return a bar for each series whose colour is its state."""
    panel = _dressed(statetimeline.Panel(), words, "bool_on_off", size or Size(24, 6), uid)
    for place, ask in enumerate(asks):
        panel = panel.with_target(_query(ask, place, uid).range().interval(STEP))
    return (
        panel.interval(STEP)
        .mappings(mappings)
        .thresholds(levels((None, GREY)))
        .merge_values(True)
        .show_value(shared.VisibilityMode.NEVER)
        .row_height(0.85)
        .line_width(0)
        .fill_opacity(80)
        .legend(_legend())
        .tooltip(_tooltip())
    )


def figures(
    words: Words,
    unit: str,
    *asks: Ask,
    size: Size | None = None,
    steps: Sequence[tuple[float | None, str]] = NEUTRAL,
    mappings: list[model.ValueMapping] | None = None,
    uid: str = LABORATORY,
) -> stat.Panel:
    """Return large numbers: what is known at the end of the time range."""
    panel = _dressed(stat.Panel(), words, unit, size or Size(6, 5), uid)
    for place, ask in enumerate(asks):
        panel = panel.with_target(_query(ask, place, uid).instant())
    return (
        panel.thresholds(levels(*steps))
        .mappings(mappings or [])
        .reduce_options(_last())
        .graph_mode(shared.BigValueGraphMode.NONE)
        .color_mode(shared.BigValueColorMode.VALUE)
        .text_mode(shared.BigValueTextMode.VALUE_AND_NAME)
    )


def bars(
    words: Words,
    unit: str,
    *asks: Ask,
    size: Size | None = None,
    steps: Sequence[tuple[float | None, str]] = NEUTRAL,
    uid: str = LABORATORY,
) -> bargauge.Panel:
    """Return one horizontal bar for each series: what is known at the end of the time range."""
    panel = _dressed(bargauge.Panel(), words, unit, size or Size(), uid)
    for place, ask in enumerate(asks):
        panel = panel.with_target(_query(ask, place, uid).instant())
    return (
        panel.thresholds(levels(*steps))
        .reduce_options(_last())
        .orientation(shared.VizOrientation.HORIZONTAL)
        .display_mode(shared.BarGaugeDisplayMode.BASIC)
    )


def rows(
    words: Words,
    unit: str,
    *asks: Ask,
    size: Size | None = None,
    steps: Sequence[tuple[float | None, str]] = NEUTRAL,
    coloured: bool = False,
    uid: str = LABORATORY,
) -> table.Panel:
    """Return a table of what is known at the end of the time range; see `tables.py` for its columns."""
    panel = _dressed(table.Panel(), words, unit, size or Size(24), uid)
    for place, ask in enumerate(asks):
        panel = panel.with_target(_query(ask, place, uid).instant().format(PromQueryFormat.TABLE))
    panel = panel.thresholds(levels(*steps)).show_header(True).cell_height(shared.TableCellHeight.SM)
    return panel.cell_options(shared.TableColoredBackgroundCellOptions()) if coloured else panel


def _dressed(panel: P, words: Words, unit: str, size: Size, uid: str) -> P:
    more = build.DashboardLink("What this shows").type(model.DashboardLinkType.LINK)
    more = more.url(f"${{docs}}#{words.anchor}").target_blank(True)
    return (
        panel.title(words.title)
        .description(words.description)
        .links([more])
        .unit(unit)
        .datasource(source(uid))
        .span(size.width)
        .height(size.height)
    )


def _query(ask: Ask, place: int, uid: str) -> prometheus.Dataquery:
    name = "ABCDEFGHIJ"[place]
    return prometheus.Dataquery().expr(ask.expr).legend_format(ask.legend).ref_id(name).datasource(source(uid))


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _legend() -> common.VizLegendOptions:
    place = common.VizLegendOptions().display_mode(shared.LegendDisplayMode.LIST)
    return place.placement(shared.LegendPlacement.BOTTOM).show_legend(True)


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(shared.TooltipDisplayMode.MULTI).sort(shared.SortOrder.DESCENDING)
