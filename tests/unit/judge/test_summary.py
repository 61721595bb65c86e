"""summary.json: the keys that others read, true to its schema, and nothing that JSON does not have."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from harness.campaign_record import read_campaign, write_campaign
from harness.claims import Claims
from harness.history import History, Outcome
from harness.judge import judge
from harness.summary import build_summary, finite, write_summary
from harness.summary_schema import SCHEMA_FILE, Summary, schema_text
from tests.fakes.histories import Trouble, campaign, claim, fault, history

ROOT = Path(__file__).resolve().parents[3]


def summary(*histories: History, claims: tuple[Any, ...] = (claim(),)) -> dict[str, Any]:
    verdicts = judge(Claims(schema=1, source="seed.md", claims=claims), histories)
    return build_summary(campaign(), histories, verdicts)


def crashed(**changes: Any) -> History:
    return history(Trouble(8, 21), experiment="database_crash", **{"faults": [fault()], **changes})


def test_the_keys_of_issue_2_are_there() -> None:
    found = summary(crashed())
    assert set(found) >= {"schema", "phase", "started", "finished", "git", "seed", "runs", "claims", "verdict"}
    run, judged = found["runs"][0], found["claims"][0]
    wanted = "experiment scheduled good availability latency_ms faults durability generator valid"
    assert set(run) >= set(wanted.split())
    assert set(run["availability"]) == {"value", "low", "high"}
    assert set(run["latency_ms"]) == {"p50", "p95", "p99"}
    wanted = "name aimed_at on_s off_s receipt lost_s mitigated_after_s recovered_after_s"
    assert set(run["faults"][0]) >= set(wanted.split())
    assert set(run["durability"]) >= {"acknowledged", "lost", "duplicated"}
    assert set(run["generator"]) >= {"lateness_ms_p99", "unsent"}
    assert set(judged) >= {"id", "quote", "claimed", "measured", "verdict", "because", "runs"}


def test_figures_are_those_of_the_history() -> None:
    run = summary(crashed())["runs"][0]
    bad = run["outcomes"]["http_error"]
    assert run["scheduled"] == 760
    assert run["good"] == 760 - bad
    assert run["availability"]["value"] == pytest.approx(run["good"] / 760)
    assert run["faults"][0]["lost_s"] == pytest.approx(bad / 20)
    assert run["faults"][0]["recovered_after_s"] == pytest.approx(1.0, abs=0.2)
    assert (run["faults"][0]["mitigated_after_s"], run["faults"][0]["mitigation_censored"]) == (None, True)
    assert run["good_latency_ms"]["p50"] == pytest.approx(600, rel=0.1)


def test_rate_limited_arrivals_are_counted_apart() -> None:
    run = summary(history(Trouble(10, 20, Outcome.LIMITED)))["runs"][0]
    assert run["limited"] == run["outcomes"]["limited"] > 100
    assert run["scheduled"] == run["good"] + run["limited"]
    assert run["availability"]["value"] == 1.0


def test_a_percentile_that_so_few_reached_is_null() -> None:
    latency = summary(crashed())["runs"][0]["latency_ms"]
    assert latency["p50"] is not None
    assert latency["p95"] is None


def test_what_is_missing_is_null_and_not_an_error() -> None:
    empty = history(
        Trouble(0, 38, Outcome.LIMITED), faults=[fault(on_s=None, status="missing")], durability=None, generator=None
    )
    run = summary(empty)["runs"][0]
    assert run["durability"] is run["generator"] is run["availability"]["value"] is run["latency_ms"]["p50"] is None
    anatomy = run["faults"][0]
    assert anatomy["lost_s"] is anatomy["recovered_after_s"] is None
    assert anatomy["recovery_censored"] is False


def test_the_worst_verdict_is_the_campaigns() -> None:
    held, refuted = claim(), claim(id="another", at_most=None, at_least=0.95)
    assert summary(crashed(), claims=(held,))["verdict"] == "HELD"
    assert summary(crashed(), claims=(held, refuted))["verdict"] == "REFUTED"
    assert summary(crashed(), claims=())["verdict"] == "INCONCLUSIVE"


def test_a_campaign_is_valid_only_when_nothing_failed() -> None:
    assert summary(crashed())["valid"] is True
    assert summary(crashed(), history(void_because=["late"]))["valid"] is False
    assert summary()["valid"] is False
    assert build_summary(campaign(void_because=("the engine died",)), [crashed()], [])["valid"] is False


def test_it_is_json_with_null_for_infinity(tmp_path: Path) -> None:
    slow = claim(check="latency", at_most=5.0)
    found = summary(crashed(faults=[fault(share=math.nan, sizes=[1.0, math.inf])]), claims=(slow,))
    write_summary(tmp_path, found)
    text = (tmp_path / "summary.json").read_text(encoding="utf-8")
    again = json.loads(text, parse_constant=pytest.fail)
    assert again == found
    assert again["claims"][0]["measured"]["value"] is None
    assert again["claims"][0]["verdict"] == "REFUTED"
    assert again["runs"][0]["faults"][0]["delivered"] == {"share": None, "sizes": [1.0, None]}


def test_finite_reaches_every_depth() -> None:
    assert finite({"a": [math.nan, {"b": -math.inf}], "c": 1, "d": 0.5}) == {"a": [None, {"b": None}], "c": 1, "d": 0.5}


def test_a_summary_read_back_fits_the_models() -> None:
    found = summary(crashed(), history(void_because=["late"]))
    assert Summary.model_validate(found).model_dump(mode="json", by_alias=True) == found


def test_a_built_summary_fits_the_committed_schema() -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    found = summary(crashed(), history(durability=None, generator=None))
    assert list(mistakes(found, schema, schema)) == []
    found["runs"][0]["faults"][0]["receipt"] = "maybe"
    found["surprise"] = 1
    del found["seed"]
    assert len(list(mistakes(found, schema, schema))) == 3


def mistakes(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "$") -> Any:
    """Yield where `value` does not fit: the part of JSON Schema that pydantic writes for plain models."""
    if "$ref" in schema:
        yield from mistakes(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root, at)
    elif "anyOf" in schema:
        if all(list(mistakes(value, option, root, at)) for option in schema["anyOf"]):
            yield f"{at}: fits none of the alternatives"
    elif "const" in schema or "enum" in schema:
        if value not in schema.get("enum", [schema.get("const")]):
            yield f"{at}: {value!r}"
    elif schema.get("type") == "object":
        yield from _object_mistakes(value, schema, root, at)
    elif schema.get("type") == "array":
        for index, item in enumerate(value):
            yield from mistakes(item, schema["items"], root, f"{at}[{index}]")
    elif "type" in schema and not _is_a(value, schema["type"]):
        yield f"{at}: {value!r} is no {schema['type']}"


def _object_mistakes(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str) -> Any:
    if not isinstance(value, dict):
        yield f"{at}: no object"
        return
    known = schema.get("properties", {})
    yield from (f"{at}.{name}: missing" for name in schema.get("required", []) if name not in value)
    for name, inner in value.items():
        if name in known:
            yield from mistakes(inner, known[name], root, f"{at}.{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{at}.{name}: unknown"
        elif isinstance(schema.get("additionalProperties"), dict):
            yield from mistakes(inner, schema["additionalProperties"], root, f"{at}.{name}")


def _is_a(value: Any, kind: str) -> bool:
    types: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
        "null": (type(None),),
    }
    return isinstance(value, types[kind]) and (kind == "boolean" or not isinstance(value, bool))


def test_the_committed_schema_has_not_drifted() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run python -m harness.summary_schema"


def test_the_document_names_every_key() -> None:
    text = (ROOT / "docs" / "summary-schema.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_0-9]+)`", text))
    schema = json.loads(schema_text())
    parts = [schema, *schema["$defs"].values()]
    keys = {key for part in parts for key in part.get("properties", {})}
    assert keys - named == set()


def test_a_campaign_record_survives_the_disk(tmp_path: Path) -> None:
    record = campaign(finished=None, left_out={"zone_down": "one zone"}, void_because=("interrupted",))
    write_campaign(tmp_path, record)
    assert read_campaign(tmp_path) == record
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]
