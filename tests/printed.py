"""What a process prints whose lines were read until something happened."""

from __future__ import annotations

import subprocess
import threading


def rest(process: subprocess.Popen[str], timeout_s: float) -> str:
    """Wait for the end; return what it printed after the lines that were read. Raises TimeoutExpired.

    Not `communicate()`: it reads from the pipe itself, past what came in one piece with the last of those lines.
    """
    stdout = process.stdout
    assert stdout is not None
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.append(stdout.read()), daemon=True)
    reader.start()
    reader.join(timeout_s)
    if not said:
        raise subprocess.TimeoutExpired(process.args, timeout_s)
    process.wait(timeout_s)
    return said[0]
