"""`python -m targets.parts.provider_sim` says what is wrong with its settings instead of starting."""

from __future__ import annotations

import os
import subprocess
import sys


def test_a_wrong_setting_ends_the_start_with_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "targets.parts.provider_sim"],
        env={**os.environ, "SIM_TOKEN_S": "fast"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "provider simulator: SIM_TOKEN_S must be a number, not 'fast'\n"
