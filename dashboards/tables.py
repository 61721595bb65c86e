"""Columns of tables: several queries joined by their labels, with names, units, colours and ways to other places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import dashboard as model

from dashboards.kit import GREEN, GREY, RED, YELLOW, states

VERDICTS = states(
    {
        "HELD": ("HELD", GREEN),
        "REFUTED": ("REFUTED", RED),
        "INCONCLUSIVE": ("INCONCLUSIVE", YELLOW),
        "NOT TESTABLE HERE": ("NOT TESTABLE HERE", GREY),
    }
)
"""The words of harness.verdict, in the colours of the reports."""

BACKGROUND = {"type": "color-background", "mode": "basic"}


def joined(panel: table.Panel, columns: Sequence[str], values: Mapping[str, str]) -> table.Panel:
    """Make one table of all queries: rows with the same labels become one.

    `columns` are the labels that stay, in order; `values` names the column of each query, by its letter.
    """
    alone = len(values) == 1
    named = {"Value" if alone else f"Value #{letter}": name for letter, name in values.items()}
    order = [*columns, *named]
    return (
        panel.with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(
            model.DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": {"Time": True},
                    "indexByName": {name: place for place, name in enumerate(order)},
                    "renameByName": named,
                },
            )
        )
        .filterable(True)
    )


def matrix(panel: table.Panel, row: str, column: str) -> table.Panel:
    """Make a matrix of one query: a line for each value of the label `row`, a column for each of `column`."""
    options = {"rowField": row, "columnField": column, "valueField": "Value", "emptyValue": "null"}
    return panel.with_transformation(model.DataTransformerConfig(id_val="groupingToMatrix", options=options))


def unit(panel: table.Panel, column: str, of: str, decimals: int | None = None) -> table.Panel:
    """Give one column a unit of its own."""
    properties = [model.DynamicConfigValue(id_val="unit", value=of)]
    if decimals is not None:
        properties.append(model.DynamicConfigValue(id_val="decimals", value=decimals))
    return panel.override_by_name(column, properties)


def in_words(panel: table.Panel, column: str, mappings: list[model.ValueMapping]) -> table.Panel:
    """Show the values of a column as words on a coloured ground."""
    return panel.override_by_name(
        column,
        [
            model.DynamicConfigValue(id_val="mappings", value=mappings),
            model.DynamicConfigValue(id_val="custom.cellOptions", value=BACKGROUND),
        ],
    )


def leads_to(panel: table.Panel, column: str, title: str, url: str) -> table.Panel:
    """Make each cell of a column a way to somewhere else; `url` may hold ${__data.fields.COLUMN}."""
    link = {"title": title, "url": url}
    return panel.override_by_name(column, [model.DynamicConfigValue(id_val="links", value=[link])])


def hidden(panel: table.Panel, column: str) -> table.Panel:
    """Leave out a column whose only use is that its query brought labels with it."""
    return panel.override_by_name(column, [model.DynamicConfigValue(id_val="custom.hidden", value=True)])
