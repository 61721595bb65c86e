"""Whatever stands in a truth script: it is read, or it is one message that names the file."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.calibration.command import read_script
from harness.calibration.script import Episode, Form, Script
from harness.calibration.truth import bad_share, true_good, true_outages
from harness.errors import ConfigError

LINES = """schema = 1
name = "mine"
duration_s = 20
deadline_s = 2.0
service_s = 0.005
seed = 3
[[episodes]]
form = "slow"
start_s = 2
lasts_s = 3.5
seconds = 3
share = 0.5
[[episodes]]
form = "refused"
start_s = 9
lasts_s = 3.5""".splitlines()

VALUES = st.sampled_from(
    [
        "-1",
        "0",
        "1e308",
        "nan",
        "-inf",
        "9" * 400,
        "true",
        '"x"',
        "[]",
        "{}",
        "[[[[]]]]",
        "2020-01-01",
        '"""\nx\n"""',
        "",
    ]
)


@st.composite
def spoilt(draw):
    """The lines of a good script with one to four of them deleted, doubled, renamed or given another value."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(lines) - 1))
        key, _, value = lines[place].partition(" = ")
        new = {
            "delete": [],
            "double": [lines[place]] * 2,
            "rename": [f"{key}x = {value}"],
            "value": [f"{key} = {draw(VALUES)}"],
            "nest": [f"[{'a.' * draw(st.integers(1, 300))}a]"],
            "text": [draw(st.text(max_size=20))],
        }
        lines[place : place + 1] = new[draw(st.sampled_from(sorted(new)))]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def read_or_told(content: bytes) -> Script | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "truth.toml"
        path.write_bytes(content)
        try:
            return read_script(path, 100)
        except ConfigError as error:
            assert str(error).startswith(str(path))
            assert "\n" not in str(error)
            assert error.remedy
            return None


@given(spoilt())
@settings(max_examples=200, deadline=None)
def test_a_spoilt_script_is_one_message(content):
    read_or_told(content)


@given(st.binary(max_size=60))
@settings(max_examples=60, deadline=None)
def test_bytes_that_are_no_script_are_one_message(content):
    assert read_or_told(content) is None


def test_a_folder_is_no_script(tmp_path):
    try:
        read_script(tmp_path, 100)
    except ConfigError as error:
        assert str(tmp_path) in str(error)
    else:
        raise AssertionError("it was read")


@st.composite
def scripts(draw):
    episodes, at_s = [], 0.0
    for _ in range(draw(st.integers(0, 5))):
        form = draw(st.sampled_from(Form))
        at_s += draw(st.floats(0.3, 2.0))
        lasts_s = draw(st.floats(0.001, 1.5))
        share = 1.0 if form is Form.REFUSED else draw(st.floats(0.01, 1.0))
        seconds = draw(st.sampled_from([0.3, 1.0, 2.5, 6.0])) if form is Form.SLOW else None
        episodes.append(Episode(form=form, start_s=at_s, lasts_s=lasts_s, share=share, seconds=seconds))
        at_s += lasts_s if form is Form.REFUSED else 0.0  # others may overlap
    return Script(schema=1, duration_s=20.0, seed=draw(st.integers(0, 9)), episodes=tuple(episodes))


@given(scripts())
@settings(max_examples=60, deadline=None)
def test_the_truth_of_arrivals_agrees_with_that_of_moments(script):
    """Where no arrival can be good none is, where none can be bad all are, and outages are total."""
    due_s = np.linspace(0, 20, 1500, endpoint=False)
    good = true_good(due_s, script)
    chance = np.array([bad_share(script, moment) for moment in due_s])
    assert not good[chance == 1].any()
    assert good[chance == 0].all()
    for outage in true_outages(script, clear_s=0.3):
        assert not good[(due_s > outage.start_s + 1e-6) & (due_s < outage.end_s - 1e-6)].any()
