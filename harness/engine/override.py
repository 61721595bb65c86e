"""Compose's merge tags as Python values, and the YAML that they become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


class Replace(list[str]):
    """A list that takes the plain file's place instead of being appended to it."""


class ReplaceMap(dict[str, Any]):
    """A mapping that takes the plain file's place instead of being merged into it."""


class Reset:
    """Takes a key of the plain file away."""


class Text(str):
    """A string of several lines, written as people write one."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True  # people read this file: equal values are written out, not referred to


def override_yaml(override: Mapping[str, Any]) -> str:
    """Return `override` as YAML, keys in the order given."""
    return yaml.dump(override, Dumper=_Dumper, sort_keys=False, width=120)


_Dumper.add_representer(Replace, lambda d, data: d.represent_sequence("!override", list(data), flow_style=True))
_Dumper.add_representer(ReplaceMap, lambda d, data: d.represent_mapping("!override", dict(data)))
_Dumper.add_representer(Reset, lambda d, _: d.represent_scalar("!reset", "null"))
_Dumper.add_representer(Text, lambda d, data: d.represent_scalar("tag:yaml.org,2002:str", str(data), style="|"))
