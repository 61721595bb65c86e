"""When faults bit, as bands on every time axis: an annotation that is a Prometheus query.

Two things about Grafana 11 make the obvious query (`chaos_fault_active == 1`) wrong. Its step is 60 s unless one is
given. And annotations get 100 points for the whole time range whatever their step is (no maxDataPoints is sent, and the
server then takes 100): in ten minutes that is one in 5 s, which swallows short faults and shifts the edges of others.

So the query gives moments instead of states (`useValueForTime`): at each point t, with I between two points and
r = t - I, it looks back over 2 I for the first and the last moment at which the fault bit, and gives r, held between
these two. The first point is the begin, the last one the end, and no two are further apart than I, which is how far
apart Grafana still joins them to one band. Seconds are looked at one by one, so a band of a day costs a moment to find.
"""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard as model

from dashboards.kit import RED, source
from harness.observe.names import FAULT_ACTIVE

STEP = "1s"
"""The finest step; also how finely edges are looked for."""

BEFORE = " offset $__interval"
BY = "phase, experiment, run, fault, target"


class FaultWindows(model.AnnotationQuery):
    """An annotation that is a Prometheus query.

    The SDK knows the class without the fields that Prometheus' annotations have. Grafana 11 asks for `expr` and `step`;
    from 12 on the same stands in `target`, and the former is turned into the latter when the dashboard is loaded.
    """

    moments: bool = False
    """Whether values are moments (ms since 1970)."""

    def to_json(self) -> dict[str, object]:
        """Return it with the fields that are missing in the SDK."""
        return super().to_json() | {
            "step": STEP,
            "titleFormat": "{{fault}}",
            "textFormat": "{{target}} · {{phase}} · {{experiment}} · {{run}}",
            "tagKeys": "phase,experiment,fault,target",
            "useValueForTime": self.moments,
            "target": {"refId": "Anno", "expr": self.expr, "interval": STEP},
        }


def fault_windows(chosen: str, *, exact: bool) -> FaultWindows:
    """Return the bands of the runs that the matchers `chosen` leave: edges to a second, or to a step but cheap."""
    active = f"{FAULT_ACTIVE.name}{{{chosen}}}"
    cheap = f"max by ({BY}) (max_over_time({active}[$__interval])) == 1"
    windows = FaultWindows(
        name="Fault windows",
        datasource=source(),
        enable=True,
        icon_color=RED,
        expr=_moments(active) if exact else cheap,
    )
    windows.moments = exact
    return windows


def _moments(active: str) -> str:
    """Return the moments: of the seconds in which it bit for any time, the middle."""
    bit = f"timestamp(max_over_time({active}[{STEP}]) == 1)[$__interval:{STEP}]"
    first = " or ".join(f"min by ({BY}) (min_over_time({bit}{when}))" for when in (BEFORE, ""))
    last = " or ".join(f"max by ({BY}) (max_over_time({bit}{when}))" for when in ("", BEFORE))
    middle = "time() - $__interval_ms / 1000"
    return f"1000 * ((({first}) > {middle} or clamp_max({last}, {middle})) - 0.5)"
