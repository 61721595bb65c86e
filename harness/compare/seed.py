"""The seed's table "Resumo dos Tradeoffs", read from the document itself, so that no figure of it is written twice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ConfigError

SEED = Path(__file__).resolve().parents[2] / "docs" / "seed-readme.md"
HEADING = "Resumo dos Tradeoffs"
ASPECTS = {
    "cost": "Custo/mês",
    "setup": "Tempo setup",
    "availability": "Disponibilidade",
    "users": "Usuários",
    "complexity": "Complexidade",
    "team": "Time necessário",
}


@dataclass(frozen=True)
class Said:
    """A cell of the table: its words, and the line it stands on."""

    text: str
    line: int


@dataclass(frozen=True)
class SeedRow:
    """A version as the seed sells it: its name in the table, and what is said of each aspect of ASPECTS."""

    phase: str
    title: str
    says: dict[str, Said]

    @property
    def monthly(self) -> float:
        """Dollars a month."""
        return money(self.says["cost"].text)

    @property
    def availability(self) -> float:
        """The share of a year."""
        return share(self.says["availability"].text)

    @property
    def users(self) -> tuple[int, int | None]:
        """From how many users on, and up to how many; None: no end."""
        return span(self.says["users"].text)

    @property
    def team(self) -> tuple[int, int | None]:
        """From how many developers on, and up to how many; None: no end."""
        return span(self.says["team"].text)


def seed_table(path: Path = SEED) -> dict[str, SeedRow]:
    """Read the table: one row per phase ('v1' to 'v4'), in its order. Raises ConfigError when it is not as it was."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(str(path), "", f"cannot be read: {error.strerror}.", "Restore the file.") from None
    start = next((n for n, line in enumerate(lines) if line.startswith("#") and HEADING in line), None)
    rows = [(n + 1, _cells(line)) for n, line in enumerate(lines[start:], start or 0) if line.startswith("|")]
    head = rows[0][1] if start is not None and rows else []
    phases = [(re.sub(r":.*", "", cell).strip().lower(), cell.partition(":")[2].strip()) for cell in head[1:]]
    found: dict[str, dict[str, Said]] = {phase: {} for phase, _ in phases}
    for number, cells in rows[2:]:
        aspect = next((key for key, words in ASPECTS.items() if words in cells[0]), None)
        if aspect is not None and len(cells) == len(head):
            for (phase, _), cell in zip(phases, cells[1:], strict=True):
                found[phase].setdefault(aspect, Said(cell, number))
    if not found or any(len(says) < len(ASPECTS) for says in found.values()):
        problem = f"the table '{HEADING}' is not there, or lacks a row."
        raise ConfigError(str(path), HEADING, problem, f"It needs: {', '.join(ASPECTS.values())}.")
    return {phase: SeedRow(phase, title, found[phase]) for phase, title in phases}


def money(text: str) -> float:
    """'$3.000' -> 3000.0: a dot is for thousands, as in Portuguese."""
    found = re.search(r"\d[\d.]*", text)
    if found is None:
        raise ValueError(f"'{text}' is no sum")
    return float(found.group().replace(".", ""))


def share(text: str) -> float:
    """'~99%' -> 0.99."""
    found = re.search(r"\d+(?:\.\d+)?", text)
    if found is None:
        raise ValueError(f"'{text}' is no percentage")
    return round(float(found.group()) / 100, 9)


def span(text: str) -> tuple[int, int | None]:
    """'<100' -> (0, 100), '1K-10K' -> (1000, 10000), '15+ devs' -> (15, None)."""
    numbers = [int(n) * (1000 if k else 1) for n, k in re.findall(r"(\d+)(K?)", text)]
    if not numbers:
        raise ValueError(f"'{text}' is no number")
    if text.startswith("<"):
        return 0, numbers[0]
    return numbers[0], None if "+" in text else numbers[-1]


def _cells(line: str) -> list[str]:
    return [cell.replace("*", "").strip() for cell in line.strip().strip("|").split("|")]
