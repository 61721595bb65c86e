"""What the environment says about what is scaled, by which signal, and how fast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from targets.parts.kit.environment import number, whole, words


@dataclass(frozen=True)
class Policy:
    """How the load becomes replicas. Replicas are per service, which is per zone; times are seconds.

    `target` is the number of requests in flight that a replica should hold. 8 is the claim of v2 divided by its largest
    size: 1,000 users who think for 10 s and wait 0.7 s hold 1,000 * 0.7 / 10.7 = 65 requests in flight, on 8 replicas.
    """

    target: float = 8.0
    tolerance: float = 0.1
    minimum: int = 2
    maximum: int = 4
    stabilise_s: float = 60.0
    scale_up_percent: float = 100.0
    scale_up_period_s: float = 15.0


@dataclass(frozen=True)
class Settings:
    """`services` by the names the door has for them; `backends` are the HAProxy backends whose sessions are counted."""

    services: tuple[str, ...]
    balancers: tuple[str, ...] = ("http://lb-a:8404/metrics", "http://lb-b:8404/metrics")
    backends: frozenset[str] = frozenset({"apps"})
    door: str = "http://engine-door:2375"
    period_s: float = 2.0
    average_s: float = 6.0
    policy: Policy = Policy()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read SCALE, BALANCERS, BACKENDS, DOOR_URL, SCALE_PERIOD_S, AVERAGE_S, TARGET_IN_FLIGHT, TOLERANCE,
        MIN_REPLICAS, MAX_REPLICAS, STABILISE_S, SCALE_UP_PERCENT and SCALE_UP_PERIOD_S.

        Raises ValueError that names the wrong one.
        """
        minimum = whole(environment, "MIN_REPLICAS", Policy.minimum, at_least=1)
        maximum = whole(environment, "MAX_REPLICAS", max(minimum, Policy.maximum), at_least=1)
        if maximum < minimum:
            raise ValueError(f"MAX_REPLICAS must be at least MIN_REPLICAS ({minimum}), not {maximum}")
        policy = Policy(
            target=number(environment, "TARGET_IN_FLIGHT", Policy.target, at_least=0, more_than=0),
            tolerance=number(environment, "TOLERANCE", Policy.tolerance, at_least=0),
            minimum=minimum,
            maximum=maximum,
            stabilise_s=number(environment, "STABILISE_S", Policy.stabilise_s, at_least=0),
            scale_up_percent=number(environment, "SCALE_UP_PERCENT", Policy.scale_up_percent, at_least=0, more_than=0),
            scale_up_period_s=number(environment, "SCALE_UP_PERIOD_S", Policy.scale_up_period_s, at_least=0),
        )
        return cls(
            services=words(environment, "SCALE", ""),
            balancers=words(environment, "BALANCERS", " ".join(cls.balancers)),
            backends=frozenset(words(environment, "BACKENDS", " ".join(sorted(cls.backends)))),
            door=environment.get("DOOR_URL", "").strip() or cls.door,
            period_s=number(environment, "SCALE_PERIOD_S", cls.period_s, at_least=0.1),
            average_s=number(environment, "AVERAGE_S", cls.average_s, at_least=0),
            policy=policy,
        )
