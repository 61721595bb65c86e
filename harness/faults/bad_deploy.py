"""Bad deploy: a version goes out that should not. Whoever deploys it is to notice, to stop, and to take it back."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from harness.errors import InstrumentError, NothingToBreak
from harness.faults.base import DeployableHandle, Rollout, Stage, bite_or_heal
from harness.history import Receipt
from harness.versions import BadVersion

OWN_PATIENCE_S = 75.0  # how long the target may take to take it back by itself, for all services together
HAND_PATIENCE_S = 60.0  # how long it may take until it is gone after it was taken back by hand
PAUSE_S = 0.2  # between two looks

BY_ITSELF, HALTED, WENT_OUT = "rollback_completed", ("paused", "rollback_paused"), "completed"


@dataclass(frozen=True)
class BadDeploy:
    """Deploy the bad version that target.toml calls `version`, one service after the other, as a person would.

    Where a service takes it back or comes to a halt, the next one is not reached; where it goes out without a word,
    the next one follows. What the target does not take back is taken back by hand, and the receipt says so.
    """

    version: str
    role: str | None = None
    zone: str | None = None
    region: str | None = None
    name: str = "bad_deploy"

    def __post_init__(self) -> None:
        if self.role is None and self.zone is None and self.region is None:
            raise ValueError("BadDeploy needs a role, a zone or a region to be aimed at")

    @property
    def aimed_at(self) -> str:
        """The aim in words: 'role app, version errors'."""
        words = {"role": self.role, "zone": self.zone, "region": self.region, "version": self.version}
        return ", ".join(f"{key} {value}" for key, value in words.items() if value is not None)

    def check_aim(self, stage: Stage) -> None:
        """Raise NothingToBreak when there is no such version of anything that fits, or nobody watches over deploys."""
        self._services(stage)

    def inject(self, stage: Stage) -> BadDeployInjection:
        """Begin with the first service."""
        deploys = [Deploy(service) for service in self._services(stage)]
        injection = BadDeployInjection(stage, self.version, stage.bad_version(self.version), deploys)
        return bite_or_heal(injection, injection.strike)

    def _services(self, stage: Stage) -> list[DeployableHandle]:
        version = stage.bad_version(self.version)
        fitting = stage.deployable(role=self.role, zone=self.zone, region=self.region)
        found = [service for service in fitting if service.name in version.services]
        if not found:
            raise NothingToBreak(f"The bad version '{self.version}' is none of anything with {self.aimed_at}.")
        return found


@dataclass
class Deploy:
    """One service: when (run time, s) the bad version was asked for, and what was last seen of it."""

    service: DeployableHandle
    begun_s: float | None = None
    last: Rollout | None = None
    seen: set[str] = field(default_factory=set)
    by_itself: bool = False
    words: str = ""

    def look(self) -> Rollout:
        """Look again, and remember who was there and what the deployer last said about it."""
        self.last = self.service.rollout()
        self.seen |= {*self.last.seen, *self.last.present}
        if self.last.message:
            self.words = f"{self.last.state}: {self.last.message}"
        return self.last


@dataclass
class BadDeployInjection:
    """A bad version on its way out, and the way back."""

    stage: Stage
    version: str
    what: BadVersion
    deploys: list[Deploy]
    on_s: float | None = None
    off_s: float | None = None
    most_at_once: int = 0
    stopped: bool = False
    by_hand: bool = False
    watching: threading.Thread | None = None
    healing: threading.Event = field(default_factory=threading.Event)

    def strike(self) -> None:
        """Begin with the first service, and look at it from now on: it may come and go before it is healed."""
        self.on_s = self.stage.now()
        self._begin(self.deploys[0])
        self.watching = threading.Thread(target=self._watch, name="bad-deploy", daemon=True)
        self.watching.start()

    def heal(self) -> None:
        """See what the target does about it; take back what it does not. Raises InstrumentError when it stays."""
        self.healing.set()
        if self.watching is not None:
            self.watching.join()
        deadline = time.monotonic() + OWN_PATIENCE_S
        for deploy in self.deploys:
            if self.stopped or self.by_hand:
                break
            if deploy.begun_s is None:
                self._begin(deploy)
            self._see_through(deploy, deadline)
        self._take_back()
        if self.off_s is None:
            self.off_s = self.stage.now()

    def receipt(self) -> Receipt:
        """Confirmed when the deployer had containers of the bad version, and wants and has none any more."""
        begun = [deploy for deploy in self.deploys if deploy.begun_s is not None]
        seen = sorted({task for deploy in begun for task in deploy.seen})
        left = [deploy for deploy in begun if deploy.last is None or deploy.last.wanted or deploy.last.present]
        status = "missing" if not seen else "mismatch" if left else "confirmed"
        delivered = {
            "bad_instances": len(seen),
            "most_at_once": self.most_at_once,
            "services_reached": len(begun),
            "stopped_by_target": self.stopped,
            "mended_by_target": self.stopped and not self.by_hand and all(deploy.by_itself for deploy in begun),
        }
        evidence = [_sentence(deploy) for deploy in begun]
        return Receipt(status, {"version": self.version}, delivered, self.on_s, self.off_s, evidence)

    def _watch(self) -> None:
        while not self.healing.wait(PAUSE_S):
            with suppress(InstrumentError):  # whoever heals looks again, and is told
                self._look(self.deploys[0])

    def _begin(self, deploy: Deploy) -> None:
        deploy.begun_s = self.stage.now()
        deploy.service.deploy(self.what)

    def _see_through(self, deploy: Deploy, deadline: float) -> None:
        """Until the deployer has taken it back, has stopped, or has let it out everywhere; by hand after `deadline`."""
        while True:
            now = self._look(deploy)
            if not now.wanted and not now.present and now.state == BY_ITSELF:
                self.stopped = deploy.by_itself = True
                return
            if now.state in HALTED:
                self.stopped = True
                return
            if now.wanted and now.state == WENT_OUT:
                return
            if time.monotonic() > deadline:
                self.by_hand = True
                return
            time.sleep(PAUSE_S)

    def _take_back(self) -> None:
        """By hand, everywhere at once, and wait until nothing of it is left."""
        begun = [deploy for deploy in self.deploys if deploy.begun_s is not None]
        if all(deploy.by_itself for deploy in begun):
            return
        self.by_hand = True
        for deploy in begun:
            deploy.service.take_back()
        deadline = time.monotonic() + HAND_PATIENCE_S
        while any(now.wanted or now.present for now in [self._look(deploy) for deploy in begun]):
            if time.monotonic() > deadline:
                names = ", ".join(deploy.service.name for deploy in begun)
                raise InstrumentError(f"The bad version of {names} was not gone within {HAND_PATIENCE_S:g} s.")
            time.sleep(PAUSE_S)
        self.off_s = self.stage.now()

    def _look(self, deploy: Deploy) -> Rollout:
        now = deploy.look()
        running = sum(len(one.last.running) for one in self.deploys if one.last is not None)
        self.most_at_once = max(self.most_at_once, running)
        if now.seen and not now.wanted and not now.present and self.off_s is None:
            self.off_s = self.stage.now()
        return now


def _sentence(deploy: Deploy) -> str:
    ids = ", ".join(sorted(task[:12] for task in deploy.seen)) or "none"
    back = "it was taken back by itself" if deploy.by_itself else "it was taken back by hand"
    said = deploy.words or "nothing"
    return f"{deploy.service.name}: instances of the bad version: {ids}; {back}. The deployer said: {said}."
