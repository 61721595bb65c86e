"""What the environment must hold for the instrument to be trusted."""

from __future__ import annotations

from importlib.metadata import version

import urllib3


def test_urllib3_is_urllib3() -> None:
    """urllib3-future installs itself under this name; docker-py then loses connections when several threads use it."""
    assert urllib3.__version__ == version("urllib3")
