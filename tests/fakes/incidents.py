"""Incidents that come as often as a test says."""

from __future__ import annotations

from harness.projection.incidents import Incident, Range


def incident(name: str, per_year: float, *experiments: str, per: str = "target") -> Incident:
    """An incident of a known rate; `any` stands for it when no experiment is named."""
    rate = Range(likely=per_year, low=per_year, high=per_year)
    return Incident(id=name, what=name, experiments=experiments or ("any",), per=per, per_year=rate, source="a test")
