"""Whatever people write into targets, claims and experiments: it is used, or one line names file, place and remedy."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.campaign import make_plan
from harness.claims import load_claims
from harness.errors import ConfigError
from harness.experiment import known_experiments, load_experiment
from harness.target import load_target

ROOT = Path(__file__).parents[3]
TARGET = (ROOT / "targets/v1/target.toml").read_text()
CLAIMS = (ROOT / "targets/v1/claims.toml").read_text()
SEED_README = (ROOT / "docs/seed-readme.md").read_text()
NAMES = known_experiments()
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

MANGLED = {
    "empty": b"",
    "NUL": b"schema = 1\x00",
    "not UTF-8": b"\xff\xfe\x00s",
    "deep": b"schema = " + b"[" * 5000 + b"]" * 5000,
    "long number": b"schema = " + b"9" * 6000,
    "not closed": b'schema = "',
    "twice": b"schema = 1\nschema = 1\n",
    "control": b'schema = 1\n"a\\u001b[31m" = 2\n',
    "date": b"schema = 1979-05-27",
    "infinite": b"schema = inf",
}
"""Bytes that are no target, no claims and no experiment."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "compose.yml").write_text("services: {}\n")
    (tmp_path / "seed.md").write_text(SEED_README)
    return tmp_path


def complaint(use: Any, file: Path) -> str:
    """The message of the ConfigError that `use` raises, '' when it raises none; anything else fails the test."""
    try:
        use()
    except ConfigError as error:
        message = str(error)
        assert str(file) in message
        assert message.isprintable(), repr(message)
        assert error.remedy
        return message
    return ""


def use_target(folder: Path) -> str:
    return complaint(lambda: load_target(folder), folder / "target.toml")


def use_claims(folder: Path) -> str:
    return complaint(lambda: load_claims(folder / "claims.toml", NAMES), folder / "claims.toml")


def use_experiment(folder: Path) -> str:
    return complaint(lambda: load_experiment("mine", folder), folder / "mine.py")


USES = {"target.toml": use_target, "claims.toml": use_claims, "mine.py": use_experiment}


@pytest.mark.parametrize("how", MANGLED)
@pytest.mark.parametrize("name", USES)
def test_bytes_that_are_nothing(folder: Path, name: str, how: str) -> None:
    (folder / name).write_bytes(MANGLED[how])
    assert USES[name](folder)


@pytest.mark.parametrize("name", USES)
def test_a_folder_in_place_of_a_file(folder: Path, name: str) -> None:
    (folder / name).mkdir()
    assert USES[name](folder)


def toml(value: Any) -> str:
    """Write a value as TOML takes it inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(key))} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08x}" for c in value) + '"'
    return {True: "true", False: "false"}.get(value, repr(value)) if isinstance(value, bool) else repr(value)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, part in inner for place in places(part, (*at, key)))]


odd = st.one_of(
    st.sampled_from(
        [True, -1, 0, 10**40, -0.5, 1e308, float("nan"), float("inf"), "", "\x00", "../../x", [], {}, [[]]]
    ),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)


def mutated(data: st.DataObject, text: str) -> str:
    """The file with one or two of its values left out, renamed or replaced."""
    content = tomllib.loads(text)
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.sampled_from(places(content)[1:]))
        inner: Any = content
        for key in place[:-1]:
            inner = inner[key]
        do = data.draw(st.sampled_from(["leave out", "rename", "replace"]))
        if do == "replace":
            inner[place[-1]] = data.draw(odd)
        elif isinstance(inner, dict) and do == "rename":
            inner[data.draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=9))] = inner.pop(place[-1])
        else:
            del inner[place[-1]]
    return "\n".join(f"{toml(key)} = {toml(value)}" for key, value in content.items())


@QUICK
@given(st.data())
def test_mutated_targets(folder: Path, data: st.DataObject) -> None:
    (folder / "target.toml").write_text(mutated(data, TARGET))
    use_target(folder)


@QUICK
@given(st.data())
def test_mutated_claims(folder: Path, data: st.DataObject) -> None:
    text = mutated(data, CLAIMS.replace("../../docs/seed-readme.md", "seed.md"))
    (folder / "claims.toml").write_text(text)
    use_claims(folder)


@QUICK
@given(st.sampled_from([TARGET, CLAIMS]), st.integers(0, 2000), st.integers(0, 40), st.binary(max_size=12))
def test_bytes_cut_out_and_put_in(folder: Path, text: str, at: int, length: int, put_in: bytes) -> None:
    content = text.encode()
    name = "target.toml" if text == TARGET else "claims.toml"
    (folder / name).write_bytes(content[:at] + put_in + content[at + length :])
    USES[name](folder)


WORDS = ["-1", "0", "1e308", "float('nan')", "float('inf')", "10**9", "'x'", "None", "[]", "True", "Rate", "lambda: 1"]
EXPERIMENT = '''"""Something is asked."""
from harness.experiment import *
from harness.faults.stop import Stop
from harness.faults.link_slow import LinkSlow
EXPERIMENT = Experiment(
    load={load}, mix=Mix(chat={chat}), timeline=({first}, Every({period}, Stop(role="cache"), {times}, {start})),
    duration_s={duration}, warmup_s={warmup}, deadline_s={deadline},
)
'''
GOOD = {
    "load": "Rate(20)", "chat": "0.5", "period": "2", "times": "2", "start": "3", "duration": "30", "warmup": "1",
    "deadline": "5", "first": "At(3, LinkSlow('cache', latency_ms=50), 2)",
}  # fmt: skip


@QUICK
@given(st.dictionaries(st.sampled_from(sorted(GOOD)), st.sampled_from(WORDS), max_size=3))
def test_mutated_experiments(folder: Path, changes: dict[str, str]) -> None:
    (folder / "mine.py").write_text(EXPERIMENT.format(**{**GOOD, **changes}))
    said = use_experiment(folder)
    assert bool(said) or all(isinstance(eval(word), int | float) for word in changes.values())


@pytest.mark.parametrize(
    "text",
    ['"""x"""\nimport sys\nsys.exit(0)\n', '"""x"""\nraise SystemExit\n', "def\n", '"""x"""\nEXPERIMENT = 3\n',
     '"""x"""\ndef f(): f()\nf()\n', '"""x"""\nimport nothing_like_it\n', "EXPERIMENT = None"],
)  # fmt: skip
def test_experiments_that_end_the_program_do_not(folder: Path, text: str) -> None:
    (folder / "mine.py").write_text(text)
    assert use_experiment(folder)


@pytest.mark.parametrize(("users", "said"), [("10000000", "arrivals a second"), ("-3", "greater than 0")])
def test_a_load_that_cannot_be_made_is_refused_before_anything_starts(folder: Path, users: str, said: str) -> None:
    (folder / "target.toml").write_text(TARGET.replace("claimed = 100", f"claimed = {users}"))
    (folder / "claims.toml").write_text(CLAIMS.replace("../../docs/seed-readme.md", "seed.md"))
    with pytest.raises(ConfigError, match=said):
        make_plan(str(folder), None, 1, 1)


def test_an_experiment_of_ones_own_comes_beside_ours(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "mine.py").write_text(EXPERIMENT.format(**GOOD))
    monkeypatch.setenv("TESTBED_EXPERIMENTS", str(folder))
    assert set(known_experiments()) == {*NAMES, "mine"}
    assert make_plan("v1", "mine", 1, 1).experiments[0].name == "mine"
