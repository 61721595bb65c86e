"""Provider faults bite, heal, and confirm only what the simulator's counters prove."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from harness.errors import InstrumentError, NothingToBreak
from harness.faults.base import Container, Fault, LinkHandle, ProviderHandle
from harness.faults.provider import HEALING_PATIENCE_S, ProviderFault, ProviderInjection, is_plausible
from harness.faults.provider_error import ProviderError
from harness.faults.provider_hang import ProviderHang
from harness.faults.provider_slow import ProviderSlow
from harness.faults.provider_truncated import ProviderTruncated
from tests.fakes.provider import FakeProvider


@dataclass
class ProviderStage:
    """A stage with nothing on it but providers, and a clock that only moves when somebody waits."""

    fakes: list[FakeProvider]
    now_s: float = 8.0
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)

    def providers(self, *, role: str, zone: str | None, region: str | None) -> list[ProviderHandle]:
        self.asked.append((role, zone, region))
        if role != "provider":
            raise NothingToBreak(f"The target has no component with role '{role}'.")
        return list(self.fakes)

    def containers(self, *, role: str | None, zone: str | None, region: str | None) -> list[Container]:
        raise AssertionError("a provider fault needs no container")

    def links(self, name: str) -> list[LinkHandle]:
        raise AssertionError("a provider fault needs no link")

    def now(self) -> float:
        return self.now_s

    def from_wall(self, moment: datetime) -> float:
        raise AssertionError("a provider fault measures its times itself")

    def wait(self, seconds: float) -> None:
        self.now_s += seconds


def inject(fault: ProviderFault, *fakes: FakeProvider) -> tuple[ProviderStage, ProviderInjection]:
    stage = ProviderStage(list(fakes))
    injection = fault.inject(stage)
    injection.pause = stage.wait
    return stage, injection


@pytest.mark.parametrize(
    ("fault", "name", "stored"),
    [
        (ProviderError(), "provider_error", {"kind": "status", "status": 503, "retry_after_s": None}),
        (
            ProviderError(status=429, retry_after_s=9),
            "provider_error",
            {"kind": "status", "status": 429, "retry_after_s": 9},
        ),
        (ProviderSlow(first_token_s=4), "provider_slow", {"kind": "slow_first_token", "delay_s": 4}),
        (ProviderSlow(token_s=0.5), "provider_slow", {"kind": "slow_tokens", "token_s": 0.5, "delay_s": 0}),
        (
            ProviderSlow(first_token_s=2, token_s=1),
            "provider_slow",
            {"kind": "slow_tokens", "token_s": 1, "delay_s": 2},
        ),
        (ProviderTruncated(after_tokens=3), "provider_truncated", {"kind": "truncate", "after_tokens": 3}),
        (ProviderHang(), "provider_hang", {"kind": "hang"}),
    ],
)
def test_each_fault_sets_its_kind_and_confirms_a_full_dose(
    fault: ProviderFault, name: str, stored: dict[str, object]
) -> None:
    fake = FakeProvider()
    fake.serve(5)
    stage, injection = inject(fault, fake)
    assert fake.fault is not None and fake.fault.model_dump() == {"share": 1.0, **stored}
    fake.serve(30)
    stage.wait(12)
    injection.heal()
    assert fake.fault is None
    fake.serve(5)
    receipt = injection.receipt()
    assert receipt.status == "confirmed"
    assert receipt.requested == {"share": 1.0, **fault.settings}
    assert receipt.delivered == {"share": 1.0, "requests": 30, "affected": 30}
    assert (receipt.on_s, receipt.off_s) == (8.0, 20.0)
    assert fault.name == name
    as_protocol: Fault = fault
    assert as_protocol.aimed_at == "role provider"


def test_a_share_is_confirmed_when_chance_allows_it() -> None:
    fake = FakeProvider()
    _, injection = inject(ProviderError(share=0.3), fake)
    fake.serve(400)
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed"
    assert receipt.delivered["share"] == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize("share", [1.0, 0.5])
@pytest.mark.parametrize("dose", [0.0, 0.5])
def test_a_fault_that_does_too_little_is_a_mismatch(share: float, dose: float) -> None:
    fake = FakeProvider(dose=dose)
    _, injection = inject(ProviderError(share=share), fake)
    fake.serve(200)
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "mismatch"
    assert receipt.delivered["share"] == pytest.approx(share * dose, abs=0.1)


def test_a_fault_that_does_too_much_is_a_mismatch() -> None:
    fake = FakeProvider(dose=3.0)
    _, injection = inject(ProviderError(share=0.3), fake)
    fake.serve(200)
    injection.heal()
    assert injection.receipt().status == "mismatch"


def test_one_request_that_escapes_a_full_dose_is_a_mismatch() -> None:
    fake = FakeProvider()
    _, injection = inject(ProviderError(), fake)
    fake.serve(50)
    fake.dose = 0
    fake.serve(1)
    injection.heal()
    assert injection.receipt().status == "mismatch"


def test_a_fault_on_the_wrong_provider_is_not_confirmed() -> None:
    """The traffic goes to a provider other than the one that was told to fail."""
    told, used = FakeProvider("told"), FakeProvider("used")
    _, injection = inject(ProviderError(), told)
    used.serve(40)
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "missing"
    assert receipt.delivered == {"share": None, "requests": 0, "affected": 0}


def test_several_providers_are_summed_up() -> None:
    first, second = FakeProvider("openai"), FakeProvider("anthropic")
    _, injection = inject(ProviderError(every=True), first, second)
    first.serve(10)
    second.serve(20)
    injection.heal()
    receipt = injection.receipt()
    assert (receipt.status, receipt.delivered["requests"]) == ("confirmed", 30)
    assert [sentence.split(":")[0] for sentence in receipt.evidence] == ["openai", "anthropic"]


def test_only_the_first_provider_is_broken_unless_every_one_is_meant() -> None:
    first, second = FakeProvider("openai"), FakeProvider("anthropic")
    _, injection = inject(ProviderError(), first, second)
    assert first.fault is not None and second.fault is None
    first.serve(10)
    second.serve(20)
    injection.heal()
    receipt = injection.receipt()
    assert (receipt.status, receipt.delivered["requests"]) == ("confirmed", 10)
    assert (ProviderError().aimed_at, ProviderError(every=True).aimed_at) == ("role provider", "every role provider")


def test_one_healthy_provider_of_two_is_a_mismatch() -> None:
    first, second = FakeProvider("openai"), FakeProvider("anthropic", dose=0)
    _, injection = inject(ProviderError(every=True), first, second)
    first.serve(10)
    second.serve(20)
    injection.heal()
    assert injection.receipt().status == "mismatch"


def test_requests_that_still_meet_the_fault_after_healing_are_a_mismatch() -> None:
    fake = FakeProvider(deaf=True)
    _, injection = inject(ProviderError(), fake)
    fake.serve(30)
    injection.heal()
    fake.serve(3)
    receipt = injection.receipt()
    assert receipt.status == "mismatch"
    assert "3 of 3 after it was cleared" in receipt.evidence[0]


def test_a_simulator_that_was_started_again_gives_no_proof() -> None:
    fake = FakeProvider()
    fake.serve(50)
    _, injection = inject(ProviderError(), fake)
    fake.serve(5)
    fake.reset()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "missing"
    assert "started again" in receipt.evidence[0]


def test_counters_that_cannot_be_read_after_the_run_give_no_proof() -> None:
    fake = FakeProvider()
    _, injection = inject(ProviderError(), fake)
    fake.serve(5)
    injection.heal()
    fake.unreachable = -1
    assert injection.receipt().status == "missing"


def test_healing_twice_is_fine_and_keeps_the_first_time() -> None:
    fake = FakeProvider()
    stage, injection = inject(ProviderError(), fake)
    fake.serve(5)
    injection.heal()
    stage.wait(5)
    fake.serve(5)
    injection.heal()
    receipt = injection.receipt()
    assert (receipt.status, receipt.off_s) == ("confirmed", 8.0)
    assert receipt.delivered["requests"] == 5


def test_healing_tries_again_until_the_simulator_answers() -> None:
    fake = FakeProvider()
    stage, injection = inject(ProviderError(), fake)
    fake.serve(5)
    fake.unreachable = 6
    injection.heal()
    assert fake.fault is None
    assert injection.off_s is not None and injection.off_s > 8.0
    assert injection.off_s == stage.now_s


def test_healing_gives_up_after_its_time_and_says_so() -> None:
    fake = FakeProvider()
    stage, injection = inject(ProviderError(), fake)
    fake.unreachable = -1
    with pytest.raises(InstrumentError, match=r"'openai' could not be healed in 10 s.*cannot be reached"):
        injection.heal()
    assert HEALING_PATIENCE_S <= stage.now_s - 8.0 <= HEALING_PATIENCE_S + 1
    fake.unreachable = 0
    injection.heal()
    assert fake.fault is None


def test_when_one_provider_refuses_the_others_are_healed() -> None:
    class Refusing(FakeProvider):
        def set_fault(self, kind: str, share: float, **settings: object) -> None:
            raise InstrumentError("The provider simulator refused.")

    first, second = FakeProvider("openai"), Refusing("anthropic")
    with pytest.raises(InstrumentError, match="refused"):
        ProviderError(every=True).inject(ProviderStage([first, second]))
    assert first.fault is None


def test_aiming_at_nothing_is_an_error_and_the_aim_is_passed_on() -> None:
    with pytest.raises(NothingToBreak):
        ProviderError(role="oracle").inject(ProviderStage([FakeProvider()]))
    with pytest.raises(NothingToBreak):
        ProviderError(role="oracle").check_aim(ProviderStage([FakeProvider()]))
    stage = ProviderStage([FakeProvider()])
    fault = ProviderHang(zone="outside", region="far")
    fault.check_aim(stage)
    assert stage.fakes[0].fault is None, "looking for the victim must not hurt it"
    fault.inject(stage)
    assert stage.asked == [("provider", "outside", "far")] * 2
    assert fault.aimed_at == "role provider, zone outside, region far"


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: ProviderError(share=0), "share"),
        (lambda: ProviderHang(share=1.01), "share"),
        (lambda: ProviderSlow(share=-1, token_s=1), "share"),
        (lambda: ProviderError(status=418), "status"),
        (lambda: ProviderError(status=500, retry_after_s=3), "retry_after_s"),
        (lambda: ProviderError(status=429, retry_after_s=0), "retry_after_s"),
        (ProviderSlow, "first_token_s"),
        (lambda: ProviderSlow(first_token_s=0), "first_token_s"),
        (lambda: ProviderSlow(token_s=4000), "token_s"),
        (lambda: ProviderTruncated(after_tokens=-1), "after_tokens"),
    ],
)
def test_what_makes_no_sense_cannot_be_declared(make: Callable[[], ProviderFault], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        make()


@pytest.mark.parametrize(
    ("affected", "requests", "share", "plausible"),
    [
        (10, 10, 1.0, True),
        (9, 10, 1.0, False),
        (50, 100, 0.5, True),
        (34, 100, 0.5, True),  # P(X <= 34) = 0.00090
        (33, 100, 0.5, False),  # P(X <= 33) = 0.00044
        (66, 100, 0.5, True),
        (67, 100, 0.5, False),
        (0, 5, 0.5, True),
        (0, 100, 0.1, False),  # 0.9 ** 100 = 0.00003
        (1, 1, 0.01, True),
        (3, 3, 0.01, False),
    ],
)
def test_plausible_is_the_central_999_per_mille(affected: int, requests: int, share: float, plausible: bool) -> None:
    assert is_plausible(affected, requests, share) is plausible
