"""A service whose deployer is a script: what a bad version does to it, look by look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.faults.base import Rollout
from harness.versions import BadVersion
from tests.fakes.service import FakeService

GOOD = Rollout(state="", message="", wanted=False, present=(), running=(), seen=())


def bad(state: str, present: int = 0, running: int = 0, *, wanted: bool = True, seen: int = 1) -> Rollout:
    """A look at a deploy: so many bad instances are there, so many of them are taken for well, so many ever were."""
    ids = tuple(f"task-{k}" for k in range(1, 10))
    return Rollout(state, f"said while {state}", wanted, ids[:present], ids[:running], ids[:seen])


STARTS = bad("updating", present=1)
TAKEN_BACK = [STARTS, bad("rollback_started", wanted=False), bad("rollback_completed", wanted=False)]
GOES_OUT = [STARTS, bad("updating", 2, 2, seen=2), bad("completed", 2, 2, seen=2)]


class FakeDeployable(FakeService):
    """Implements DeployableHandle: after `deploy` each look shows the next of `looks`, the last one for ever.

    `take_back` ends it, unless it `stays`.
    """

    def __init__(self, name: str, looks: Sequence[Rollout], *, stays: bool = False) -> None:
        super().__init__(name)
        self.looks = list(looks)
        self.stays = stays
        self.calls: list[str] = []
        self._now = GOOD
        self._back = False

    def deploy(self, version: BadVersion) -> None:
        self.calls.append("deploy")

    def rollout(self) -> Rollout:
        if "deploy" not in self.calls:
            return GOOD
        if not self._back:
            self._now = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return self._now

    def take_back(self) -> None:
        self.calls.append("take_back")
        if not self.stays:
            self._back = True
            self._now = replace(self._now, wanted=False, present=(), running=())
