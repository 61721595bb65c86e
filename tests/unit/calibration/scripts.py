"""Truth scripts in few words."""

from typing import Any

from harness.calibration.script import Episode, Form, Script


def episode(form: str, start_s: float, lasts_s: float, **more: Any) -> Episode:
    return Episode(form=Form(form), start_s=start_s, lasts_s=lasts_s, **more)


def script(*episodes: Episode, duration_s: float = 20.0, **more: Any) -> Script:
    return Script(schema=1, duration_s=duration_s, episodes=episodes, **more)
