from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from targets.chat.stores.sqlite import SqliteDatabase
from tests.unit.chat.chat_fakes import FakeProvider, FakeStore, World, world


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[World]:
    async with world(FakeStore(SqliteDatabase(tmp_path / "chat.sqlite3")), FakeProvider()) as running:
        yield running
