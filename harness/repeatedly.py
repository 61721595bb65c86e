"""Something that is looked at now and then while a block lasts, on a thread of its own."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

STOPPING_S = 6.0  # how long the last look may take


class Repeatedly:
    """Calls `look` on entering the block and every `every_s` until it is left. Without `anything` to look at: nothing.

    `look` raises nothing: what it cannot see is not there.
    """

    def __init__(self, name: str, every_s: float, *, anything: bool) -> None:
        self._every_s = every_s
        self._anything = anything
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name=name, daemon=True)

    def __enter__(self) -> Self:
        if self._anything:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(STOPPING_S)

    @property
    def going_on(self) -> bool:
        """Whether a look is still being taken."""
        return self._thread.is_alive()

    def look(self) -> None:
        """Look once."""
        raise NotImplementedError

    def _go_on(self) -> None:
        while True:
            self.look()
            if self._over.wait(self._every_s):
                return
