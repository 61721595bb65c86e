"""Expressions that several dashboards use."""

from __future__ import annotations

from dashboards.frame import CHOSEN
from harness.observe.names import ARRIVALS, CLAIM_BOUND, CLAIM_MEASURED, CLAIM_VERDICT, DURATION, RUN_INFO, Metric

AROUND = "[6d] offset -3d"
"""From three days before the end of the time axis to three days after it: what is known of a run only when it is over
must not vanish when somebody looks closer at a moment before."""

AVAILABILITY_CHECKS = "availability|availability_of_best_place|availability_under_fault"
"""The checks (harness/checks) whose bound is an availability, so that both may share one axis."""


def rate(metric: Metric, by: str, chosen: str = CHOSEN, suffix: str = "") -> str:
    """Return how often a second something was counted, by labels."""
    return f"sum by ({by}) (rate({metric.name}{suffix}{{{chosen}}}[$__rate_interval]))"


def share_good(by: str = "", chosen: str = CHOSEN) -> str:
    """Return the availability at each moment: good of all arrivals that were over."""
    good = rate(ARRIVALS, by, f'{chosen},outcome="ok"')
    return f"{good} / {rate(ARRIVALS, by, chosen)}"


def quantile(of: float, by: str = "", chosen: str = CHOSEN) -> str:
    """Return a quantile of the time that good answers took."""
    every = rate(DURATION, f"le, {by}" if by else "le", chosen, "_bucket")
    return f"histogram_quantile({of}, {every})"


def known(metric: Metric, by: str, chosen: str = CHOSEN) -> str:
    """Return what the end of the chosen runs made known."""
    return f"max by ({by}) (last_over_time({metric.name}{{{chosen}}}{AROUND}))"


def in_range(metric: Metric, by: str, chosen: str, aggregate: str = "max") -> str:
    """Return what was known last inside the time range."""
    return f"{aggregate} by ({by}) (last_over_time({metric.name}{{{chosen}}}[$__range]))"


def bounds(checks: str, of_experiment: bool = True) -> str:
    """Return what claims say for which these checks are made: those about the chosen experiment, or all of the phase.

    Known once the campaign of the chosen run is judged.
    """
    asked = f'phase=~"$phase",check=~"{checks}"'
    about = 'phase=~"$phase",experiment=~"$experiment"'
    its = f"and on (phase, campaign, claim) last_over_time({CLAIM_VERDICT.name}{{{about}}}{AROUND}) "
    return (
        f"max by (claim) (last_over_time({CLAIM_BOUND.name}{{{asked}}}{AROUND}) {its if of_experiment else ''}"
        f"and on (phase, campaign) last_over_time({RUN_INFO.name}{{{CHOSEN}}}{AROUND}))"
    )


def budget_left(by: str, chosen: str) -> str:
    """Return the share of the error budget that is left: 1 when nothing was bad, 0 at the bound, below 0 beyond it.

    (measured - bound) / (1 - bound), for claims about an availability below 100 %.
    """
    asked = f'{chosen},check=~"{AVAILABILITY_CHECKS}",direction="at_least"'
    bound = f"last_over_time({CLAIM_BOUND.name}{{{asked}}}[$__range]) < 1"
    measured = f"last_over_time({CLAIM_MEASURED.name}{{{chosen}}}[$__range])"
    on = "on (phase, campaign, claim, unit)"
    return f"min by ({by}) (({measured} - {on} group_right () ({bound})) / {on} group_right () (1 - ({bound})))"
