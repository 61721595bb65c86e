"""What the simulator says follows from seed and number alone, at the pace that the settings ask for."""

from __future__ import annotations

from statistics import median

import pytest

from targets.parts.provider_sim.answer import Answer, Asked, draw
from targets.parts.provider_sim.settings import Settings

ASKED = Asked("m", stream=True, prompt_tokens=5)


def test_the_same_seed_and_number_give_the_same_draw_and_others_do_not() -> None:
    assert draw(Settings(), 7) == draw(Settings(), 7)
    assert draw(Settings(), 7).key != draw(Settings(), 8).key
    assert draw(Settings(seed=2), 7).key != draw(Settings(), 7).key


def test_the_medians_are_those_of_the_settings() -> None:
    draws = [draw(Settings(ttft_median_s=0.5, token_s=0.02, tokens_median=40), n) for n in range(1, 1001)]
    assert median(d.first_token_s for d in draws) == pytest.approx(0.5, rel=0.06)
    assert median(len(d.texts) for d in draws) == pytest.approx(40, rel=0.06)
    assert median(gap for d in draws for gap in d.gaps_s) == pytest.approx(0.02, rel=0.03)
    assert min(len(d.texts) for d in draws) >= 10
    assert max(len(d.texts) for d in draws) <= 160


def test_luck_is_uniform_so_a_share_is_what_it_says() -> None:
    lucks = [draw(Settings(), n).luck for n in range(1, 2001)]
    for share in (0.1, 0.5, 0.9):
        assert sum(luck < share for luck in lucks) / len(lucks) == pytest.approx(share, abs=0.04)


def test_no_answer_is_ever_without_words_even_with_a_median_of_one_token() -> None:
    assert all("".join(draw(Settings(tokens_median=1), n).texts).strip() for n in range(1, 200))


def test_delay_and_pace_move_the_due_times() -> None:
    drawn = draw(Settings(), 1)
    usual = Answer.of(ASKED, drawn, 0)
    late = Answer.of(ASKED, drawn, 0, delay_s=2)
    slow = Answer.of(ASKED, drawn, 0, token_s=1)
    assert late.due_s == pytest.approx([t + 2 for t in usual.due_s])
    assert slow.due_s == pytest.approx([usual.ready_s + k for k in range(len(slow.texts))])
    assert list(usual.due_s) == sorted(usual.due_s)


@pytest.mark.parametrize("limit", [1, 3])
def test_a_limit_shortens_the_answer(limit: int) -> None:
    short = Answer.of(Asked("m", True, 5, max_tokens=limit), draw(Settings(), 1), 0)
    assert len(short.texts) == len(short.due_s) == limit
    assert short.out_of_tokens


def test_a_limit_that_is_not_reached_changes_nothing() -> None:
    drawn = draw(Settings(), 1)
    answer = Answer.of(Asked("m", True, 5, max_tokens=len(drawn.texts)), drawn, 0)
    assert (answer.texts, answer.out_of_tokens) == (drawn.texts, False)


def test_settings_come_from_the_environment_and_have_defaults() -> None:
    assert Settings.from_environment({}) == Settings()
    read = Settings.from_environment({"SIM_SEED": "9", "SIM_TTFT_MEDIAN_S": "0.001", "SIM_TOKENS_MEDIAN": " 12 "})
    assert (read.seed, read.ttft_median_s, read.tokens_median) == (9, 0.001, 12)
    assert read.token_s == Settings().token_s


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SIM_SEED", "one"),
        ("SIM_SEED", "1.5"),
        ("SIM_TTFT_MEDIAN_S", "-1"),
        ("SIM_TOKEN_S", "nan"),
        ("SIM_TTFT_SIGMA", "inf"),
        ("SIM_TOKENS_MEDIAN", "0"),
    ],
)
def test_a_wrong_setting_is_named(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=name):
        Settings.from_environment({name: text})
