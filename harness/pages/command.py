"""`harness pages`: serve the show-room on 127.0.0.1."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from harness.errors import ConfigError
from harness.kept import committed

RESULTS = Path(os.environ.get("TESTBED_RESULTS", "results"))


def register(app: typer.Typer, say: Callable[[str], None]) -> None:
    """Add `pages` to the command line; `say` prints one line."""

    @app.command()
    def pages(
        host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
        port: Annotated[int | None, typer.Option(min=1, max=65535, help="The port. Also PORT=.")] = None,
    ) -> None:
        """Serve the architectures and the stored results as pages on 127.0.0.1:8080 (docs/pages.md)."""
        import uvicorn  # noqa: PLC0415 (no other command needs it)

        from harness.pages.server import create_pages  # noqa: PLC0415

        chosen = port or _port(os.environ.get("PORT", ""))
        say(f"http://{host}:{chosen}/ shows campaigns, http://{host}:{chosen}/v1/chat/arquitetura the architectures.")
        uvicorn.run(create_pages(RESULTS, committed()), host=host, port=chosen, log_level="warning")


def _port(word: str) -> int:
    if not word.strip():
        return 8080
    if word.strip().isascii() and word.strip().isdigit() and 1 <= int(word) <= 65535:
        return int(word)
    raise ConfigError("PORT", "", f"'{word}' is no port.", "Use a number from 1 to 65535.")
