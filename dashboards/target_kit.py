"""What the parts of the dashboard *Target* share: they all ask the target's own Prometheus."""

from __future__ import annotations

from grafana_foundation_sdk.builders import timeseries

from dashboards.kit import TARGET, Ask, Size, Words, graph

APP = 'job="app"'
"""The instances of the app, as targets/parts/monitoring/scrapes.sh names the job."""


def own_graph(words: Words, unit: str, *asks: Ask, size: Size | None = None) -> timeseries.Panel:
    """Return lines over time that are never below 0."""
    return graph(words, unit, *asks, size=size, uid=TARGET).min(0)


def rate(metric: str, by: str, chosen: str) -> str:
    """Return how often a second, by labels."""
    return f"sum by ({by}) (rate({metric}{{{chosen}}}[$__rate_interval]))"


def quantile(of: float, metric: str, by: str, chosen: str) -> str:
    """Return a quantile from a histogram."""
    return f"histogram_quantile({of}, {rate(f'{metric}_bucket', f'le, {by}' if by else 'le', chosen)})"
