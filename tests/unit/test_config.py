"""Bad input gets one message that names the file, the place and the remedy."""

from pathlib import Path

import pytest

from harness.errors import ConfigError, NothingToBreak
from harness.target import find_target, known_phases, load_target

GOOD = (Path(__file__).parents[2] / "targets/v1/target.toml").read_text()


def written(folder: Path, text: str) -> Path:
    (folder / "target.toml").write_text(text)
    (folder / "compose.yml").write_text("services: {}\n")
    return folder


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_target(written(folder, text))
    message = str(caught.value)
    assert str(folder / "target.toml") in message
    assert "\n" not in message
    return message


def test_v1_is_read_and_its_components_know_their_names(tmp_path: Path) -> None:
    target = load_target(written(tmp_path, GOOD))
    assert {c.name for c in target.components.values()} == {"app", "database", "cache", "openai"}
    assert [c.name for c in target.find(role="cache", zone="a")] == ["cache"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("claimed = 100", "claimd = 100", "the key 'claimd' is not known here. Did you mean 'claimed'?"),
        ("claimed = 100", 'claimed = "many"', "users.claimed"),
        ("claimed = 100", "claimed = 0", "users.claimed"),
        ('role = "app"', 'rolle = "app"', "components.app.rolle"),
        ('phase = "v1"', "", "phase: is missing. Add the key 'phase'."),
        ("schema = 1", "schema = 2", "schema"),
        ('component = "app"', 'component = "ap"', "Did you mean 'app'?"),
        ('to = "cache"', 'to = "cash"', "Did you mean 'cache'?"),
        ("[entry]", "[entry", "is not valid TOML"),
        ("port = 5432", "port = 70000", "links[1].port"),
        ('name = "cache"', 'name = "database"', "two links have the same name"),
        ('compose = "compose.yml"', 'compose = "other.yml"', "there is no file 'other.yml'"),
    ],
)
def test_each_mistake_gives_one_clear_message(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    assert expected in complaint(tmp_path, GOOD.replace(old, new, 1))


def test_an_unknown_phase_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Known: v1"):
        find_target("v0")
    assert "v1" in known_phases()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load_target(tmp_path)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "target.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="readable UTF-8"):
        load_target(tmp_path)


def test_aiming_at_nothing_is_an_error_with_the_known_names() -> None:
    target = find_target("v1")
    with pytest.raises(NothingToBreak, match=r"no component with role 'databse'\. Did you mean 'database'"):
        target.find(role="databse")
    with pytest.raises(NothingToBreak, match="zone 'b'"):
        target.find(role="app", zone="b")
    with pytest.raises(NothingToBreak):
        target.find()
    with pytest.raises(NothingToBreak, match="no link 'queue'"):
        target.link("queue")
