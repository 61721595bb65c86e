"""What the environment says about seed and pace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Seed and pace. Times are seconds.

    Time to first token and number of tokens are log-normal around their medians; so is the gap between tokens.
    """

    seed: int = 1
    ttft_median_s: float = 0.35
    ttft_sigma: float = 0.35
    token_s: float = 0.012
    tokens_median: int = 30

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the variables SIM_SEED, SIM_TTFT_MEDIAN_S, SIM_TTFT_SIGMA, SIM_TOKEN_S and SIM_TOKENS_MEDIAN.

        Raises ValueError that names the variable which is not a number or out of range.
        """
        return cls(
            seed=int(_number(environment, "SIM_SEED", cls.seed, at_least=0, whole=True)),
            ttft_median_s=_number(environment, "SIM_TTFT_MEDIAN_S", cls.ttft_median_s, at_least=0),
            ttft_sigma=_number(environment, "SIM_TTFT_SIGMA", cls.ttft_sigma, at_least=0),
            token_s=_number(environment, "SIM_TOKEN_S", cls.token_s, at_least=0),
            tokens_median=int(_number(environment, "SIM_TOKENS_MEDIAN", cls.tokens_median, at_least=1, whole=True)),
        )


def _number(
    environment: Mapping[str, str], name: str, default: float, *, at_least: float, whole: bool = False
) -> float:
    text = environment.get(name, "").strip()
    if not text:
        return default
    kind = "a whole number" if whole else "a number"
    try:
        value = float(int(text)) if whole else float(text)
    except ValueError:
        raise ValueError(f"{name} must be {kind}, not '{text}'") from None
    if not at_least <= value < float("inf"):
        raise ValueError(f"{name} must be {kind} of at least {at_least:g}, not {text}")
    return value
