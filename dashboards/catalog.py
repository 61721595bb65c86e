"""All dashboards, and how they are written down."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from dashboards import claims, comparison, experiment, laboratory, target

GENERATED = Path(__file__).parent / "generated"


def dashboards() -> dict[str, model.Dashboard]:
    """Return all dashboards by the name of their file."""
    made = (experiment.build(), claims.build(), comparison.build(), target.build(), laboratory.build())
    return {f"{str(one.title).lower()}.json": one for one in made}


@cache
def texts() -> dict[str, str]:
    """Return the text of each file, the same each time."""
    encoder = JSONEncoder(indent=2, sort_keys=True, ensure_ascii=False)
    return {name: encoder.encode(one) + "\n" for name, one in dashboards().items()}
