"""`run` and `down`: a target as one would deploy it, with no chaos in it, on 127.0.0.1."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from harness.campaign import ENV_FILE, refuse_dirty
from harness.engine import plain_stack
from harness.engine.host import compose_command, connect
from harness.engine.images import ensure_images
from harness.engine.install import ensure_engine
from harness.engine.lock import EngineLock
from harness.engine.marks import engine_id
from harness.errors import HarnessError
from harness.target import Target, find_target

Phase = Annotated[str, typer.Argument(help="v1, or the path of a folder with a target.toml (with a slash in it)")]
Say = Callable[[str], None]


def register(app: typer.Typer, say: Say) -> None:
    """Add `run` and `down` to the command line."""

    @app.command()
    def run(phase: Phase) -> None:
        """Run the API of PHASE in Docker as in production, on 127.0.0.1:8000 (PORT=)."""
        target, port = find_target(phase), _port()
        with closing(ensure_engine(say)) as client:
            if target.deployer == "compose":
                ensure_images(client, target.images, say)
                _compose(target, "up", "-d", "--no-build", "--wait")
            else:
                with EngineLock(engine_id(client), who=f"make run PHASE={phase}"):
                    refuse_dirty(client)
                    ensure_images(client, [*target.images, "toxiproxy"], say)
                    say(f"Starting {target.phase} ({target.title}) as a Swarm stack.")
                    plain_stack.start(client, target, port, say, env_file=ENV_FILE)
        say(f"{target.phase} is up: http://127.0.0.1:{port}/docs. `make down PHASE={phase}` stops and removes it.")

    @app.command()
    def down(phase: Phase) -> None:
        """Stop what `run` started and remove it, its data volumes too."""
        target = find_target(phase)
        if target.deployer == "compose":
            _compose(target, "down", "-v", "--remove-orphans", "-t", "5")
            return
        with closing(connect()) as client, EngineLock(engine_id(client), who=f"make down PHASE={phase}"):
            plain_stack.remove(client, target, say)
        say(f"{target.phase} is down, and its data volumes are removed.")


def _port() -> int:
    word = os.environ.get("PORT", "").strip() or "8000"
    if not word.isdecimal() or not 1 <= int(word) <= 65535:
        raise HarnessError(f"PORT is '{word}', and that is no port.", "Give a number from 1 to 65535.")
    return int(word)


def _compose(target: Target, *arguments: str) -> None:
    file: Path = target.folder / target.compose
    given = ["--env-file", str(ENV_FILE)] if ENV_FILE.is_file() else []
    code = subprocess.call([*compose_command(), *given, "-f", str(file), *arguments])
    if code != 0:
        raise HarnessError(f"Compose ended with {code}.", "Its own words are above.")
