"""What availability costs: pure arithmetic over the seed's prices and the projected years.

    nines            = -log10(1 - A)                                 A: mean availability of a projected year
    cost per nine    = monthly cost / nines
    hours avoided    = hours of downtime a year of the cheaper version - those of the dearer one
    break-even       = 12 x (dearer - cheaper monthly cost) / hours avoided

The break-even is the price of an hour of downtime avoided and, at the same time, what an hour of downtime must cost
before the dearer version pays for itself. Its interval is that of the years: those of both versions are drawn
independently, each pair of years gives one difference, and 95 % of them give a break-even between `low` and `high`;
where the dearer version avoids nothing in that share of years, `high` is infinite: it never pays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.projection.simulate import Floats

MONTHS = 12
HOUR_S = 3600.0


@dataclass(frozen=True)
class BreakEven:
    """What an hour of downtime must cost ($) before `dearer` pays for itself against `cheaper`; infinite: never.

    `avoided` are the hours of downtime a year that it avoids (mean and 95 % of years), `extra` what it costs more
    ($ a year), `chance` the share of pairs of years in which it avoids any. `one_sided` are incidents that count for
    one of them only.
    """

    cheaper: str
    dearer: str
    extra: float
    avoided: tuple[float, float, float]
    value: float
    low: float
    high: float
    chance: float
    one_sided: tuple[str, ...] = ()


def nines(availability: float) -> float:
    """Return how many nines a share has: 0.9 -> 1, 0.999 -> 3, and everything between; 1 has no end of them."""
    if not 0 <= availability <= 1:
        raise ValueError(f"an availability lies between 0 and 1, not {availability}")
    return math.inf if availability == 1 else -math.log10(1 - availability)


def cost_per_nine(monthly: float, availability: float) -> float:
    """Return dollars a month for each nine; infinite where there is none at all."""
    found = nines(availability)
    return monthly / found if found > 0 else math.inf


def price(extra: float, hours: float) -> float:
    """Return dollars for each hour avoided: infinite when none is, 0 when it does not even cost more."""
    if extra <= 0:
        return 0.0 if hours >= 0 else math.inf
    return extra / hours if hours > 0 else math.inf


def break_even(  # noqa: PLR0917 - two versions, each with a name, a price and its years
    cheaper: str, cheap_monthly: float, cheap_lost_s: Floats, dearer: str, dear_monthly: float, dear_lost_s: Floats
) -> BreakEven:
    """Return the break-even between two versions. `*_lost_s` are seconds of downtime in each drawn year."""
    extra = MONTHS * (dear_monthly - cheap_monthly)
    # The order of years means nothing; one of both is turned round, so that no stream of random numbers meets itself.
    hours = (cheap_lost_s - dear_lost_s[::-1]) / HOUR_S
    low, high = (float(x) for x in np.quantile(hours, (0.025, 0.975)))
    mean = float(np.mean(hours))
    return BreakEven(
        cheaper=cheaper,
        dearer=dearer,
        extra=extra,
        avoided=(mean, low, high),
        value=price(extra, mean),
        low=price(extra, high),
        high=price(extra, low),
        chance=float(np.mean(hours > 0)),
    )


def yearly_total(monthly: float, lost_s: Floats | float, downtime_cost: float) -> float:
    """Return what a version costs in a year ($): its price, and the mean downtime at `downtime_cost` an hour."""
    return MONTHS * monthly + float(np.mean(lost_s)) / HOUR_S * downtime_cost
