"""Numbers as people read them: enough digits to tell them apart, never more than they mean."""

from __future__ import annotations

import math


def percent(share: float) -> str:
    """Return a share as a percentage: 0.95 -> '95 %', 0.99985 -> '99.985 %'; close to 0 or 1 it keeps digits."""
    rest = min(share, 1 - share)
    digits = 1 if rest <= 0 else min(6, max(1, math.ceil(-math.log10(rest * 100)) + 1))
    return f"{trimmed(share * 100, digits)} %"


def trimmed(value: float, digits: int) -> str:
    """Return `value` with at most `digits` decimals and no trailing zeros."""
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def localized(figure: str, language: str) -> str:
    """Return a figure written in English as people of the language ("en", "pt") write it: 1,234.5 -> 1.234,5."""
    return figure.translate(str.maketrans(",.", ".,")) if language == "pt" else figure


def quantity(value: float, unit: str) -> str:
    """Return a value in its unit: shares as percentages, an infinite time as what it means."""
    if math.isinf(value):
        return "without bound" if value > 0 else "anything"
    if unit == "share":
        return percent(value)
    return f"{trimmed(value, 3 if unit == 's' and abs(value) < 10 else 1)} {unit}"


def reach(low: float, high: float, unit: str) -> str:
    """Return an interval: '95.2 % to 99.1 %', '2.2 to 2.4 s'."""
    first, last = quantity(low, unit), quantity(high, unit)
    return f"{first if unit == 'share' else first.removesuffix(f' {unit}')} to {last}"


def counted(count: int, things: str) -> str:
    """Return a number of things given in the plural: '1 arrival', '1,200 arrivals', '2 entries'."""
    one = f"{things.removesuffix('ies')}y" if things.endswith("ies") else things.removesuffix("s")
    return f"{count:,} {one if count == 1 else things}"
