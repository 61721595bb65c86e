"""What stands behind a component, and what is lost with it: computed from the diagram. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from harness.pages.model import Box, Diagram


@dataclass(frozen=True)
class Standing:
    """How much depends on one component.

    on_the_way: requests of users can reach it, from the entry along the arrows. others: what does the same (the same
    role, or one in line behind it, and the same program). alone: there is no other, and no second replica. only_path:
    the families of roles that nothing reaches any more without it.
    """

    on_the_way: bool
    others: tuple[str, ...]
    alone: bool
    only_path: tuple[str, ...]

    @property
    def single(self) -> bool:
        """Whether it is a single point of failure."""
        return self.alone or bool(self.only_path)


def standings(diagram: Diagram) -> dict[str, Standing]:
    """Return the standing of every box, by name."""
    reached = reachable(diagram)
    return {box.name: _standing(diagram, box, reached) for box in diagram.boxes}


def reachable(diagram: Diagram, without: str | None = None) -> set[str]:
    """Return the names of the boxes that requests can reach from the entry when `without` is away."""
    seen: set[str] = set()
    waiting = [diagram.entry]
    while waiting:
        name = waiting.pop()
        if name not in seen and name != without:
            seen.add(name)
            waiting.extend(edge.target for edge in diagram.edges if edge.source == name)
    return seen


def _standing(diagram: Diagram, box: Box, reached: set[str]) -> Standing:
    others = tuple(b.name for b in diagram.boxes if b is not box and (b.family, b.kind) == (box.family, box.kind))
    lost: tuple[str, ...] = ()
    if box.name in reached and box.replicas < 2:
        left = reachable(diagram, box.name)
        before = {b.family for b in diagram.boxes if b.name in reached and b is not box}
        lost = tuple(sorted(before - {b.family for b in diagram.boxes if b.name in left} - {box.family}))
    return Standing(box.name in reached, others, not others and box.replicas < 2, lost)
