"""Rolling deploy: every instance is replaced by a fresh one while users go on, as when a new version goes out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.errors import InstrumentError
from harness.faults.base import ServiceHandle, Stage, bite_or_heal
from harness.history import Receipt

PATIENCE_S = 140.0  # for all services together, and less than a strike is waited for (three slow replicas took 95 s)
NOTHING_AFTER_S = 40.0  # a deploy that has replaced nobody by then never will
PAUSE_S = 0.2  # between two looks


@dataclass(frozen=True)
class RollingDeploy:
    """Every component that fits is redeployed; inside each as its deployer does it.

    Those of a region all at once, as those of a stack are; a region only when the one before it is done, as an operator
    of several would.
    """

    role: str | None = None
    zone: str | None = None
    region: str | None = None
    name: str = "rolling_deploy"

    def __post_init__(self) -> None:
        if self.role is None and self.zone is None and self.region is None:
            raise ValueError("RollingDeploy needs a role, a zone or a region to be aimed at")

    @property
    def aimed_at(self) -> str:
        """The aim in words: 'role app'."""
        words = {"role": self.role, "zone": self.zone, "region": self.region}
        return ", ".join(f"{key} {value}" for key, value in words.items() if value is not None)

    def check_aim(self, stage: Stage) -> None:
        """Raise NothingToBreak when no component fits."""
        self._services(stage)

    def inject(self, stage: Stage) -> RollingDeployInjection:
        """Begin. The deploy is done when it is healed."""
        services = self._services(stage)
        deploys = [Deploy(service, service.instances(), stage.region_of(service.name)) for service in services]
        injection = RollingDeployInjection(stage, deploys, stage.now())
        return bite_or_heal(injection, injection.strike)

    def _services(self, stage: Stage) -> list[ServiceHandle]:
        return stage.services(role=self.role, zone=self.zone, region=self.region)


@dataclass
class Deploy:
    """One component: who ran before, who runs after, and when (run time, s) it was begun and settled."""

    service: ServiceHandle
    before: list[str]
    region: str
    after: list[str] = field(default_factory=list)
    begun_s: float | None = None
    settled_s: float | None = None

    def replaced(self) -> int:
        """How many of those who ran before do not any more, as far as others run in their place."""
        fresh = len(set(self.after) - set(self.before))
        return min(len(set(self.before) - set(self.after)), fresh)

    def done(self) -> bool:
        """Look again: whether everybody was replaced, and all is settled."""
        self.after = self.service.instances()
        return self.replaced() == len(self.before) and self.service.settled()


@dataclass
class RollingDeployInjection:
    """A deploy under way. Healing it is seeing it through: there is nothing to go back to."""

    stage: Stage
    deploys: list[Deploy]
    on_s: float
    off_s: float | None = None

    def strike(self) -> None:
        """Begin with all of the first region."""
        self._begin(self._regions()[0])

    def heal(self) -> None:
        """See every component's deploy through. Raises InstrumentError when one does not come to its end.

        No further region is begun when nobody was replaced in the one before it.
        """
        deadline = time.monotonic() + PATIENCE_S
        for deploys in self._regions():
            if not self.off_s:
                self._begin(deploys)
            for deploy in deploys:
                self._see_through(deploy, deadline)
            if any(deploy.settled_s is None for deploy in deploys):
                break
        if self.off_s is None:
            self.off_s = self.stage.now()

    def _see_through(self, deploy: Deploy, deadline: float) -> None:
        while deploy.begun_s is not None and deploy.settled_s is None:
            if deploy.done():
                deploy.settled_s = self.stage.now()
            elif self._nothing_happens(deploy):
                break
            elif time.monotonic() > deadline:
                raise InstrumentError(f"The deploy of {deploy.service.name} did not end in {PATIENCE_S:g} s.")
            else:
                time.sleep(PAUSE_S)

    def _regions(self) -> list[list[Deploy]]:
        names = dict.fromkeys(deploy.region for deploy in self.deploys)
        return [[deploy for deploy in self.deploys if deploy.region == name] for name in names]

    def receipt(self) -> Receipt:
        """Confirmed when everybody who ran before is gone and as many others run: by the engine's ids."""
        count = sum(len(deploy.before) for deploy in self.deploys)
        replaced = sum(deploy.replaced() for deploy in self.deploys)
        status = "missing" if not replaced else "confirmed" if replaced == count else "mismatch"
        evidence = [_sentence(deploy) for deploy in self.deploys]
        return Receipt(status, {"replaced": count}, {"replaced": replaced}, self.on_s, self.off_s, evidence)

    def _begin(self, deploys: Sequence[Deploy]) -> None:
        for deploy in deploys:
            if deploy.begun_s is None:
                deploy.begun_s = self.stage.now()
                deploy.service.redeploy()

    def _nothing_happens(self, deploy: Deploy) -> bool:
        """Whether, long after it was begun, all that ran before still run and are settled: there is nothing to heal."""
        waited_s = self.stage.now() - (deploy.begun_s or 0.0)
        return waited_s > NOTHING_AFTER_S and set(deploy.after) == set(deploy.before) and deploy.service.settled()


def _sentence(deploy: Deploy) -> str:
    names = f"{deploy.service.name}: {deploy.replaced()} of {len(deploy.before)} instances were replaced"
    if deploy.begun_s is None:
        return f"{names}: it was not begun, because the one before it did not come to its end"
    if deploy.settled_s is None:
        return f"{names}, and it did not come to its end"
    return f"{names}, from {deploy.begun_s:.1f} to {deploy.settled_s:.1f} s"
