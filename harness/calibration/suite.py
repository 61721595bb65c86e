"""The truths that `make calibrate` scripts: each form alone, single outages, a random pattern, a mixture."""

from __future__ import annotations

import numpy as np

from harness.calibration.script import Episode, Form, Script

SINGLES = (
    (0.1, Form.UNAVAILABLE), (0.1, Form.HANG), (0.1, Form.REFUSED),
    (0.3, Form.UNAVAILABLE), (0.3, Form.HANG), (0.3, Form.REFUSED),
    (1.0, Form.REFUSED), (3.0, Form.CUT), (10.0, Form.HANG), (30.0, Form.UNAVAILABLE),
)  # fmt: skip
"""Length (s) and form of the single outages."""

TOTAL = (Form.HANG, Form.UNAVAILABLE, Form.REFUSED, Form.CUT, Form.TRUNCATED)


def default_suite(seed: int) -> list[Script]:
    """Return the scripts of a whole calibration: 232 seconds of counted load."""
    alone = [_script(str(form), 18.0, [_episode(form, 5.37, 4.21)]) for form in TOTAL]
    slow = [_episode(Form.SLOW, 2.63, 3.0, seconds=0.5), _episode(Form.SLOW, 8.37, 4.21, seconds=3.0)]
    return [*alone, _script("slow", 18.0, slow), singles(), random_pattern(seed), mixture(seed)]


def singles() -> Script:
    """Single outages of 0.1 to 30 s with good times between them."""
    episodes, at_s = [], 1.57
    for lasts_s, form in SINGLES:
        episodes.append(_episode(form, round(at_s, 3), lasts_s))
        at_s += lasts_s + 1.23
    return _script("singles", round(at_s + 0.5, 2), episodes)


def random_pattern(seed: int, duration_s: float = 32.0) -> Script:
    """Six total outages of random forms, 0.1 to 3 s long (log-uniform), at random times from a seed."""
    random = np.random.default_rng([seed, 1])
    lengths = np.exp(random.uniform(np.log(0.1), np.log(3.0), 6))
    forms = random.choice(len(TOTAL), size=6)
    spare_s = duration_s - float(lengths.sum()) - 7 * 0.8
    gaps = 0.8 + spare_s * random.dirichlet(np.full(7, 2.0))
    episodes, at_s = [], 0.0
    for gap, length, form in zip(gaps, lengths, forms, strict=False):
        at_s += float(gap)
        episodes.append(_episode(TOTAL[int(form)], round(at_s, 3), round(float(length), 3)))
        at_s += float(length)
    return _script("random", duration_s, episodes, seed)


def mixture(seed: int) -> Script:
    """Shares of requests, several things at once, and a closed socket that breaks off slow answers."""
    episodes = [
        _episode(Form.UNAVAILABLE, 2.51, 9.0, share=0.1),
        _episode(Form.HANG, 8.29, 3.0, share=0.5),
        _episode(Form.SLOW, 13.77, 6.0, share=0.5, seconds=0.5),
        _episode(Form.REFUSED, 16.41, 1.0),
        _episode(Form.CUT, 21.13, 5.0, share=0.3),
        _episode(Form.TRUNCATED, 22.69, 5.0, share=0.2),
        _episode(Form.SLOW, 28.01, 2.0, share=0.3, seconds=3.0),
    ]
    return _script("mixture", 32.0, episodes, seed)


def _episode(form: Form, start_s: float, lasts_s: float, share: float = 1.0, seconds: float | None = None) -> Episode:
    return Episode(form=form, start_s=start_s, lasts_s=lasts_s, share=share, seconds=seconds)


def _script(name: str, duration_s: float, episodes: list[Episode], seed: int = 1) -> Script:
    return Script(schema=1, name=name, duration_s=duration_s, seed=seed, episodes=tuple(episodes))
