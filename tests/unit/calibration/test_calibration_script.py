"""The file that somebody else writes: what it means, and what it may not say."""

import numpy as np
import pytest

from harness.calibration.command import read_script
from harness.calibration.script import Form
from harness.errors import ConfigError
from tests.unit.calibration.scripts import episode, script

GOOD = """
schema = 1
name = "mine"
duration_s = 20

[[episodes]]
form = "slow"
start_s = 2
lasts_s = 3.5
seconds = 3
share = 0.5
"""


def written(folder, text):
    path = folder / "truth.toml"
    path.write_text(text)
    return path


def test_a_file_is_read_with_its_defaults(tmp_path):
    found = read_script(written(tmp_path, GOOD), 100)
    assert (found.deadline_s, found.service_s, found.seed) == (2.0, 0.005, 1)
    assert found.episodes == (episode("slow", 2, 3.5, seconds=3, share=0.5),)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"slow"', '"slw"', "form"),
        ("share = 0.5", "share = 1.5", "share"),
        ("share = 0.5", "share = nan", "share"),
        ("share = 0.5", "shares = 0.5", "Did you mean 'share'"),
        ("seconds = 3\n", "", "'seconds' belongs to the form 'slow'"),
        ("seconds = 3\n", "seconds = 1.9\n", "within 0.25 s of the deadline"),
        ("seconds = 3\n", 'seconds = "3"\n', "seconds"),
        ("lasts_s = 3.5", "lasts_s = 35", "after the run"),
        ("lasts_s = 3.5", "lasts_s = 0", "lasts_s"),
        ("start_s = 2", "start_s = -2", "start_s"),
        ("start_s = 2", "", "start_s"),
        ("schema = 1", "schema = 2", "schema"),
        ("duration_s = 20", "duration_s = inf", "duration_s"),
        ('name = "mine"', 'name = "../mine"', "name"),
        ('form = "slow"', 'form = "refused"', "seconds"),
        ("[[episodes]]", "[[episodes", "not valid TOML"),
        ("duration_s = 20", "duration_s = 20\ndeadline_s = 60\nservice_s = 5", "At most 8000"),
    ],
)
def test_every_mistake_is_one_message_that_names_the_file(tmp_path, old, new, words):
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        read_script(written(tmp_path, GOOD.replace(old, new)), 200)
    assert words in str(caught.value)
    assert "truth.toml" in str(caught.value)
    assert caught.value.remedy


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        read_script(tmp_path / "none.toml", 100)


def test_a_closed_socket_takes_no_share_and_needs_room():
    with pytest.raises(ValueError, match="refuses everyone"):
        episode("refused", 1, 1, share=0.5)
    with pytest.raises(ValueError, match="apart"):
        script(episode("refused", 1, 1), episode("refused", 2.1, 1))


def test_the_first_episode_that_draws_a_request_decides():
    mine = script(episode("503", 1, 4, share=0.3), episode("hang", 3, 4, share=0.5), seed=5)
    fates = [mine.fate(4.0, seq) for seq in range(4000)]
    counts = {index: fates.count(index) / 4000 for index in (0, 1, None)}
    assert counts[0] == pytest.approx(0.3, abs=0.03)
    assert counts[1] == pytest.approx(0.7 * 0.5, abs=0.03)
    assert {mine.fate(2.0, seq) for seq in range(200)} == {0, None}
    assert mine.fate(7.0, 1) is None  # an episode's end is no longer in it
    assert fates == [mine.fate(4.0, seq) for seq in range(4000)]


def test_draws_of_different_episodes_and_seeds_are_independent():
    one, two = (script(episode("503", 1, 4, share=0.5), episode("hang", 1, 4, share=0.5), seed=seed) for seed in (1, 2))
    draws = np.array([[s.draws(k, seq) for seq in range(4000)] for s in (one, two) for k in (0, 1)], dtype=float)
    assert np.all(np.abs(np.corrcoef(draws) - np.eye(4)) < 0.08)


def test_forms_are_those_of_the_issue():
    assert {str(form) for form in Form} == {"hang", "503", "refused", "slow", "cut", "truncated"}
