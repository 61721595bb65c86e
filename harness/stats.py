"""Intervals for shares, quantiles and repeats: pure functions, seeded where chance is involved.

Every interval is two-sided 95 % unless it is said otherwise. An interval over requests treats them as
independent and therefore speaks of the runs at hand; only intervals over whole runs say how much the next run may
differ. How often each of them covers the truth, and from how many runs on, is in `docs/gate.md` and is tested.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, bdtrik, ndtr, ndtri, stdtrit  # scipy.stats takes longer to import than all else here

CONFIDENCE = 0.95
DRAWS = 2000  # bootstrap draws: with eight runs the outer points then rest on 11 draws each
ENOUGH_FOR_A_BAND = 20  # times, from which on the band of a survival curve covers as it should
MOST_WORTH_ASKING = 100_000_000  # beyond this many requests "how many more" is no longer advice

Block = TypeVar("Block")


@dataclass(frozen=True)
class Interval:
    """A value between `low` and `high`, all in one unit; infinite where there is no bound."""

    value: float
    low: float
    high: float

    def widened(self, other: Interval) -> Interval:
        """Return this value with the outer bounds of both intervals: the more cautious of two methods wins."""
        return Interval(self.value, min(self.low, other.low), max(self.high, other.high))


def wilson(good: float, total: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the share `good` / `total` with its Wilson score interval (Wilson 1927, JASA 22:209).

    `good` may be a fraction, for shares that were estimated. Raises ValueError when there is nothing to divide by.
    """
    if total < 1 or not 0 <= good <= total:
        raise ValueError(f"a share needs 0 <= good <= total and total >= 1, not {good} of {total}")
    return _score(good / total, total, float(ndtri(0.5 + confidence / 2)))


def _score(share: float, total: float, z: float) -> Interval:
    """Return the score interval of a share of `total` requests, `z` standard errors wide."""
    scale = 1 + z * z / total
    middle = (share + z * z / (2 * total)) / scale
    reach = z / scale * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    # Rounding must not leave the value outside its own interval when the share is 0 or 1.
    return Interval(share, max(0.0, min(middle - reach, share)), min(1.0, max(middle + reach, share)))


def requests_needed(share: float, failures: int = 0, confidence: float = CONFIDENCE) -> int:
    """Return how many requests with at most `failures` bad ones show, one-sided, that `share` is reached.

    It is the smallest n for which so few failures would come with a probability of at most 1 - confidence if
    the true share were only `share`: 59, 299, 2,995, 29,956 for 95, 99, 99.9, 99.99 % without a failure.
    """
    if not 0 < share < 1 or failures < 0:
        raise ValueError(f"a share lies between 0 and 1 and failures are not negative, not {share} and {failures}")

    def shown(count: int) -> bool:
        return bool(bdtr(failures, count, 1 - share) <= 1 - confidence)

    found = first_count(shown, failures + 1)
    if found is None:
        raise ValueError(f"no practical number of requests shows a share of {share}")
    return found


def first_count(decides: Callable[[int], bool], start: int, most: int = MOST_WORTH_ASKING) -> int | None:
    """Return about the smallest count from `start` on for which `decides` is true; None when none up to `most` is.

    Doubling and then halving: exact where `decides` stays true once it is, which holds up to rounding here.
    """
    low, high = start - 1, max(start, 1)
    while not decides(high):
        low, high = high, high * 2
        if high > most:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high


def quantile(values: npt.ArrayLike, q: float, confidence: float = CONFIDENCE) -> Interval:
    """Return the exact q-quantile of `values` with an interval from order statistics; no distribution is assumed.

    The quantile is the smallest value that at least the share `q` of the values does not exceed. Values may be
    +inf. A bound that so few values cannot give is infinite. Source: Hahn and Meeker, Statistical Intervals,
    5.2. Raises ValueError without values.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    count = len(ordered)
    if count == 0 or not 0 < q < 1:
        raise ValueError(f"a quantile needs values and 0 < q < 1, not {count} values and q = {q}")
    lower, upper = quantile_ranks(count, q, confidence)
    return Interval(
        float(ordered[rank(count, q) - 1]),
        float(ordered[lower - 1]) if lower >= 1 else -math.inf,
        float(ordered[upper - 1]) if upper <= count else math.inf,
    )


def quantile_ranks(count: int, q: float, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """Return the ranks (from 1) of the two values that enclose the q-quantile; 0 and `count` + 1 mean unbounded."""
    tail = (1 - confidence) / 2
    return _binomial_quantile(tail, count, q), _binomial_quantile(1 - tail, count, q) + 1


def _binomial_quantile(share: float, count: int, chance: float) -> int:
    """Return the smallest number of successes that is not exceeded with a probability of at least `share`."""
    # The inverse is continuous and rounded: begin just below it, and let the distribution itself decide.
    near = float(bdtrik(share, count, chance))
    found = 0 if math.isnan(near) else max(0, math.floor(near) - 1)
    while bdtr(found, count, chance) < share:
        found += 1
    return found


def rank(count: int, q: float) -> int:
    """Return the rank (from 1) of the q-quantile of `count` values."""
    # The slack keeps 0.95 * 20 = 19.000000000000004 from becoming rank 20.
    return max(1, math.ceil(count * q - 1e-9))


def share_over_runs(blocks: Sequence[Block], share: Callable[[Sequence[Block]], float]) -> Interval | None:
    """Return `share` of all blocks (runs, faults) with an interval that knows that failures come in bursts.

    The variance between blocks, by leaving out one at a time, tells how many *independent* requests would be worth as
    much; Wilson's interval of that many is taken, with Student's t for the few blocks (Korn and Graubard 1998, Survey
    Methodology 24:193; Franco et al. 2019, J Surv Stat Methodol 7:334). It holds from two blocks on. None where the
    blocks show no variance, as when no request failed: then only the requests themselves say something.
    """
    count, value = len(blocks), share(blocks)
    if count < 2 or not 0 < value < 1:
        return None
    variance = _variance_over(blocks, share)
    if not variance > 1e-15:  # also where leaving one out leaves nothing to divide by (NaN)
        return None
    worth = value * (1 - value) / variance
    return _score(value, worth, float(stdtrit(count - 1, 0.5 + CONFIDENCE / 2)))


def figure_over_runs(blocks: Sequence[Block], figure: Callable[[Sequence[Block]], float]) -> Interval | None:
    """Return `figure` of all blocks (runs) with Student's t interval of the jackknife: one run is left out at a time.

    For figures that need not be shares, as percentiles of latency (Shao and Wu 1989, Ann Stat 17:1176: leaving out many
    values at once is what makes the jackknife hold for quantiles). It holds from two blocks on. None where it does
    not apply: fewer blocks, a figure that is infinite or missing in one of the leavings-out, or no variance at all.
    """
    if len(blocks) < 2:
        return None
    value, variance = figure(blocks), _variance_over(blocks, figure)
    if not (math.isfinite(value) and math.isfinite(variance)) or variance <= 0:
        return None
    reach = float(stdtrit(len(blocks) - 1, 0.5 + CONFIDENCE / 2)) * math.sqrt(variance)
    return Interval(value, value - reach, value + reach)


def with_more_runs(interval: Interval, now: int, then: int) -> Interval:
    """Return about what an interval over `now` runs would be over `then` runs, were value and spread to stay.

    It shrinks with the root of the runs, and with Student's t. Needs two runs or more on both sides.
    """
    t_now, t_then = (float(stdtrit(runs - 1, 0.5 + CONFIDENCE / 2)) for runs in (now, then))
    scale = t_then / t_now * math.sqrt(now / then)
    value = interval.value
    return Interval(value, value - scale * (value - interval.low), value + scale * (interval.high - value))


def _variance_over(blocks: Sequence[Block], figure: Callable[[Sequence[Block]], float]) -> float:
    """Return the jackknife's variance of `figure`; NaN where leaving a block out leaves nothing finite."""
    count = len(blocks)
    without = np.array([figure([*blocks[:k], *blocks[k + 1 :]]) for k in range(count)])
    if not np.isfinite(without).all():
        return math.nan
    return (count - 1) / count * float(np.sum((without - without.mean()) ** 2))


def block_bootstrap(
    blocks: Sequence[Block], statistic: Callable[[Sequence[Block]], float], seed: int, draws: int = DRAWS
) -> Interval:
    """Return `statistic` of all blocks with its expanded percentile interval over resampled blocks (runs, faults).

    Failures come in bursts, so the independent unit is the run. The plain percentile interval is too narrow for
    few runs; the expanded one takes points as far out as Student's t asks (Hesterberg 2015, Am Stat 69:371, section
    5.3). It covers as it should from eight runs on; with five it covers about 90 %, and with two or three it is
    no more than the range of what was seen. Draws without a value (NaN) are left out. Raises ValueError without
    blocks, or when no draw has a value.
    """
    if not blocks:
        raise ValueError("nothing to resample")
    random = np.random.default_rng(seed)
    picks = np.sort(random.integers(0, len(blocks), size=(draws, len(blocks))), axis=1)
    known: dict[tuple[int, ...], float] = {}
    results: list[float] = []
    for pick in map(tuple, picks.tolist()):
        if pick not in known:
            known[pick] = statistic([blocks[index] for index in pick])
        results.append(known[pick])
    kept = np.array([result for result in results if not math.isnan(result)])
    if len(kept) == 0:
        raise ValueError("no resample has a value")
    tail = _expanded_tail(len(blocks))
    # 'inverted_cdf' picks a draw and never averages two, so that an infinite draw stays infinite.
    low, high = np.quantile(kept, [tail, 1 - tail], method="inverted_cdf")
    return Interval(statistic(blocks), float(low), float(high))


def _expanded_tail(count: int) -> float:
    if count < 2:
        return (1 - CONFIDENCE) / 2
    reach = math.sqrt(count / (count - 1)) * float(stdtrit(count - 1, 0.5 + CONFIDENCE / 2))
    return float(ndtr(-reach))


def mean_over_runs(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Return the mean of one finite value per run with Student's t interval; a single run gives no bounds at all.

    Raises ValueError without values, or when one is not finite.
    """
    given = np.asarray(values, dtype=np.float64)
    if len(given) == 0 or not np.isfinite(given).all():
        raise ValueError("a mean over runs needs at least one value, and finite ones")
    middle = float(given.mean())
    if len(given) == 1:
        return Interval(middle, -math.inf, math.inf)
    reach = float(stdtrit(len(given) - 1, 0.5 + confidence / 2) * given.std(ddof=1) / math.sqrt(len(given)))
    return Interval(middle, middle - reach, middle + reach)


def paired_difference(before: Sequence[float], after: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Return the mean of `after` minus `before` over pairs of runs, with the t interval of the differences.

    Two runs are a pair when they had the same seed: what the seed decides is then in both, and leaves the difference.
    Raises ValueError when they are not pairs, or without any.
    """
    if len(before) != len(after):
        raise ValueError(f"{len(before)} and {len(after)} runs are no pairs")
    return mean_over_runs([new - old for old, new in zip(before, after, strict=True)], confidence)


def survival_quantile(times: Sequence[float], seen: Sequence[bool], q: float = 0.5) -> Interval:
    """Return the Kaplan-Meier q-quantile of times of which some are censored (`seen` False: still going on then).

    The interval inverts the log-log Greenwood band of the survival curve (Brookmeyer and Crowley 1982,
    Biometrics 38:29). It takes some twenty times to hold; of fewer it is widened to the bounds that order statistics
    give when what is censored might have ended right then or never: none at all for fewer than six. What the
    censored times leave open is +inf. Raises ValueError without times.
    """
    given, ended = np.asarray(times, dtype=np.float64), np.asarray(seen, dtype=np.bool_)
    if len(given) == 0 or len(given) != len(ended) or not 0 < q < 1:
        raise ValueError(f"a survival quantile needs times, one flag for each, and 0 < q < 1, not q = {q}")
    least, most = quantile(given, q).low, quantile(np.where(ended, given, math.inf), q).high
    if not ended.any():
        return Interval(math.inf, max(0.0, least), math.inf)
    from scipy.stats import CensoredData, ecdf  # noqa: PLC0415 (imported for this one question alone, see above)

    curve = ecdf(CensoredData(uncensored=given[ended], right=given[~ended])).sf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it is undefined, as we know, where the curve is 1 or 0
        band = curve.confidence_interval(CONFIDENCE, method="log-log")

    def first(probabilities: npt.NDArray[np.float64]) -> float:
        # There its bounds are the curve itself: nothing has ended yet, or everything has.
        below = np.flatnonzero(np.where(np.isnan(probabilities), curve.probabilities, probabilities) <= 1 - q + 1e-12)
        return float(curve.quantiles[below[0]]) if len(below) else math.inf

    value = first(curve.probabilities)
    found = Interval(value, min(value, first(band.low.probabilities)), max(value, first(band.high.probabilities)))
    return found if len(given) >= ENOUGH_FOR_A_BAND else found.widened(Interval(value, max(0.0, least), most))
