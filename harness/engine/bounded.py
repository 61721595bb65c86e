"""A time limit for calls that have none of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(timeout_s: float, call: Callable[[], T]) -> T:
    """Return what `call` returns, or raise TimeoutError: the engine has no time limit for a command of its own."""
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(call())
        except Exception as error:  # noqa: BLE001 (handed to the caller's thread, whatever it is)
            errors.append(error)

    worker = threading.Thread(target=work, name="engine-exec", daemon=True)
    worker.start()
    worker.join(timeout_s)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"it did not end within {timeout_s:g} s")
    return results[0]
