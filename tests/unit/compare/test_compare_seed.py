"""The seed's table is read from the document, with its lines; a document that has none is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.compare.seed import SEED, money, seed_table, share, span
from harness.errors import ConfigError


def test_the_table_says_what_the_document_says() -> None:
    table = seed_table()
    assert list(table) == ["v1", "v2", "v3", "v4"]
    assert [row.monthly for row in table.values()] == [150, 800, 3000, 15000]
    assert [row.availability for row in table.values()] == [0.95, 0.99, 0.999, 0.9999]
    assert [row.users for row in table.values()] == [(0, 100), (100, 1000), (1000, 10000), (10000, None)]
    assert [row.team for row in table.values()] == [(1, 2), (2, 5), (5, 15), (15, None)]
    lines = SEED.read_text().splitlines()
    for row in table.values():
        for said in row.says.values():
            assert said.text in lines[said.line - 1].replace("*", "")


def test_words_that_are_no_numbers_are_refused() -> None:
    for read in (money, share, span):
        with pytest.raises(ValueError, match="muito"):
            read("muito")


def test_a_document_without_the_table_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        seed_table(tmp_path / "none.md")
    short = tmp_path / "seed.md"
    short.write_text("## 📊 Resumo dos Tradeoffs\n| Aspecto | V1: MVP |\n|---|---|\n| **Custo/mês** | $150 |\n")
    with pytest.raises(ConfigError, match="lacks a row"):
        seed_table(short)
    short.write_text("| Aspecto | V1: MVP |\n")
    with pytest.raises(ConfigError, match="Resumo dos Tradeoffs"):
        seed_table(short)
