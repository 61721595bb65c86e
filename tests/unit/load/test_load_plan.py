import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import InstrumentError
from harness.experiment import Mix
from harness.history import Kind
from harness.load.plan import KINDS, Plan, load_plan, make_plan, plan_segments
from harness.loads import Abuser, Segment


def test_the_same_seed_gives_the_same_file_byte_for_byte(tmp_path):
    make_plan(20, 30, 3, Mix(), seed=7).save(tmp_path / "one.npz")
    make_plan(20, 30, 3, Mix(), seed=7).save(tmp_path / "two.npz")
    make_plan(20, 30, 3, Mix(), seed=8).save(tmp_path / "other.npz")

    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    assert (tmp_path / "one.npz").read_bytes() != (tmp_path / "other.npz").read_bytes()


def test_a_saved_plan_reads_back_as_it_was(tmp_path):
    plan = make_plan(50, 10, 2, Mix(), seed=3)
    plan.save(tmp_path / "plan.npz")

    back = load_plan(tmp_path / "plan.npz")

    assert all(np.array_equal(getattr(plan, name), getattr(back, name)) for name in Plan.__dataclass_fields__)


def test_a_file_that_is_no_plan_says_so(tmp_path):
    (tmp_path / "plan.npz").write_bytes(b"nonsense")
    with pytest.raises(InstrumentError, match="not a plan"):
        load_plan(tmp_path / "plan.npz")


@settings(max_examples=50, deadline=None)
@given(
    rate=st.floats(0.5, 300),
    duration=st.floats(2, 60),
    warmup=st.floats(0, 10),
    seed=st.integers(0, 2**32),
)
def test_counts_are_exact_and_due_times_lie_in_their_windows(rate, duration, warmup, seed):
    plan = make_plan(rate, duration, warmup, Mix(), seed)

    assert plan.counted.sum() == round(rate * duration)
    assert (~plan.counted).sum() == round(rate * warmup)
    assert np.all(np.diff(plan.due_s) >= 0)
    assert np.all((plan.due_s[plan.counted] >= 0) & (plan.due_s[plan.counted] < duration))
    assert np.all((plan.due_s[~plan.counted] >= -warmup) & (plan.due_s[~plan.counted] < 0))
    assert np.all((plan.pick >= 0) & (plan.pick < 1))


def test_arrivals_spread_as_a_poisson_process_does():
    plan = make_plan(1000, 100, 0, Mix(), seed=1)

    per_second = np.histogram(plan.due_s, bins=100, range=(0, 100))[0]
    gaps = np.diff(plan.due_s)

    assert 0.7 < per_second.var() / per_second.mean() < 1.4  # 1 for a Poisson process, 0 for a metronome
    assert np.std(gaps) == pytest.approx(np.mean(gaps), rel=0.05)  # exponential gaps


def test_kinds_and_turns_follow_the_mix():
    mix = Mix(chat=0.2, stream=0.5, read=0.3, turns=5)
    plan = make_plan(1000, 100, 0, mix, seed=1)

    shares = [np.mean(plan.kinds() == kind.value) for kind in KINDS]

    assert shares == pytest.approx([0.2, 0.5, 0.3], abs=0.01)
    assert plan.fresh.mean() == pytest.approx(1 / 5, abs=0.01)


def test_another_mix_does_not_move_the_due_times():
    one = make_plan(20, 30, 3, Mix(), seed=7)
    other = make_plan(20, 30, 3, Mix(chat=1, stream=0, read=0), seed=7)

    assert np.array_equal(one.due_s, other.due_s)
    assert set(other.kinds()) == {Kind.CHAT.value}


def test_a_plan_that_counts_nothing_is_refused():
    with pytest.raises(ValueError, match="counted arrival"):
        make_plan(0.01, 10, 0, Mix(), seed=1)


def test_the_plans_of_the_committed_baselines_stay_what_they_are(tmp_path):
    """Runs are paired with baselines by their seed: a plan that moved would compare different questions."""
    found = hashlib.sha256()
    for seed in (1, 7, 237467950612658):
        for rate, duration, warmup in ((20, 38, 3), (9.09, 60, 3), (33.3, 14, 0)):
            make_plan(rate, duration, warmup, Mix(), seed).save(tmp_path / "plan.npz")
            found.update((tmp_path / "plan.npz").read_bytes())

    assert found.hexdigest() == "524eba1b9e691d0166edbe758aa6771be136fbaeeda2724c555d099a801faec8"


SPIKE = (Segment(10, 6), Segment(100, 20), Segment(10, 8))


def test_every_stretch_has_its_own_exact_count():
    plan = plan_segments(SPIKE, 3, Mix(), seed=4)

    assert np.histogram(plan.due_s, bins=[-3, 0, 6, 26, 34])[0].tolist() == [30, 60, 2000, 80]
    assert plan.counted.sum() == 2140
    assert np.all(np.diff(plan.due_s) >= 0)


def test_inside_a_stretch_arrivals_are_a_poisson_process():
    plan = plan_segments((Segment(10, 10), Segment(1000, 50)), 0, Mix(), seed=4)

    per_second = np.histogram(plan.due_s, bins=50, range=(10, 60))[0]
    assert 0.6 < per_second.var() / per_second.mean() < 1.5


def test_places_get_equal_shares_and_move_nothing_else():
    plain = plan_segments(SPIKE, 3, Mix(), seed=4)
    plan = plan_segments(SPIKE, 3, Mix(), seed=4, places=4)

    assert plan.place is not None
    assert np.bincount(plan.place[plan.counted]).tolist() == [535] * 4
    assert sorted(np.bincount(plan.place[~plan.counted]).tolist()) == [7, 7, 8, 8]
    assert all(np.array_equal(getattr(plan, n), getattr(plain, n)) for n in ("due_s", "kind", "fresh", "pick"))
    other = plan_segments(SPIKE, 3, Mix(), seed=5, places=4)
    assert not np.array_equal(plan.place, other.place)
    assert 0.2 < np.mean(plan.place[1:] == plan.place[:-1]) < 0.3  # dealt out at random, not in turn


def test_an_abuser_comes_on_top_and_moves_nobody_else():
    plain = plan_segments((Segment(20, 30),), 3, Mix(), seed=4)
    plan = plan_segments((Segment(20, 30),), 3, Mix(), seed=4, abuser=Abuser(100, at_s=5, lasts_s=14))

    assert plan.abuser is not None
    mine = plan.due_s[plan.abuser]
    assert (len(mine), mine.min() >= 5, mine.max() < 19) == (1400, True, True)
    assert plan.counted[plan.abuser].all() and plan.fresh[plan.abuser].all()
    assert {KINDS[kind] for kind in plan.kind[plan.abuser]} == {Kind.CHAT}
    assert all(np.array_equal(getattr(plan, n)[~plan.abuser], getattr(plain, n)) for n in ("due_s", "kind", "pick"))
    assert np.all(np.diff(plan.due_s) >= 0)


def test_an_abuser_without_an_end_stays_to_the_end():
    plan = plan_segments((Segment(20, 30),), 0, Mix(), seed=4, abuser=Abuser(10, at_s=20))

    assert plan.abuser is not None
    assert plan.abuser.sum() == 100
    assert plan.due_s[plan.abuser].max() > 28


def test_a_plan_with_places_and_an_abuser_reads_back_as_it_was(tmp_path):
    plan = plan_segments((Segment(50, 10),), 2, Mix(), seed=3, places=4, abuser=Abuser(10))
    plan.save(tmp_path / "plan.npz")

    back = load_plan(tmp_path / "plan.npz")

    assert all(np.array_equal(getattr(plan, name), getattr(back, name)) for name in Plan.__dataclass_fields__)
