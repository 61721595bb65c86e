"""Where everything of a diagram stands, in pixels. Pure and deterministic: the same target gives the same picture.

Zones are columns, roles are rows; rows follow requests from the entry downwards. Somebody else's services (the region
`outside`) stand in a column at the right. Neighbouring rows are joined by curves, others by lines in the left margin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.pages.model import Box, Diagram, Edge
from harness.pages.single import reachable

WIDTH, HEIGHT = 168, 64  # of a box
BESIDE, BELOW, STACKED = 44, 46, 10  # between columns, rows, and boxes of one cell
FRAME, HEADING = 14, 26  # from a zone's frame to its boxes; for its name
TOP, LANE = 64, 12  # for the title; between lines in the margin
OUTSIDE = "outside"


@dataclass(frozen=True)
class Rect:
    """A rectangle: its left upper corner, width and height."""

    x: float
    y: float
    w: float
    h: float

    @property
    def middle(self) -> tuple[float, float]:
        """Its middle."""
        return self.x + self.w / 2, self.y + self.h / 2


@dataclass(frozen=True)
class Line:
    """An edge, drawn: an SVG path. `aside` is one that requests of users do not take."""

    edge: Edge
    path: str
    aside: bool
    peers: bool


@dataclass(frozen=True)
class Layout:
    """The picture's size, the zones' frames by (region, zone), the boxes by name, and the lines."""

    width: float
    height: float
    frames: dict[tuple[str, str], Rect]
    boxes: dict[str, Rect]
    lines: tuple[Line, ...]


def lay_out(diagram: Diagram) -> Layout:
    """Return where everything stands."""
    inside = [box for box in diagram.boxes if box.region != OUTSIDE]
    rows = _rows(diagram, inside)
    rank = {role: number for number, role in enumerate(rows)}
    lanes = _lanes(diagram, rank)
    left = 24 + LANE * (len(lanes) + 1)
    zones = _zones(diagram, inside)
    boxes = _inside_boxes(inside, rows, zones, left)
    right = max(place.x + place.w for place in boxes.values())
    boxes |= _outside_boxes(diagram, boxes, right + 2.5 * BESIDE)
    reached = reachable(diagram)
    lines = tuple(
        _line(diagram, edge, boxes, rank, lanes=lanes, aside=edge.source not in reached) for edge in diagram.edges
    )
    frames = _frames(diagram.boxes, boxes)
    width = max(f.x + f.w for f in frames.values()) + 16
    height = max(f.y + f.h for f in frames.values()) + 62
    return Layout(width, height, frames, boxes, lines)


def _rows(diagram: Diagram, inside: Iterable[Box]) -> list[str]:
    """Roles from the entry downwards, the longest chain first; then those that no request reaches, as written."""
    role = {box.name: box.role for box in inside}
    below: dict[str, list[str]] = {r: [] for r in role.values()}
    for edge in diagram.edges:
        if edge.source in role and edge.target in role:
            source, target = role[edge.source], role[edge.target]
            if source != target and target not in below[source]:
                below[source].append(target)

    def depth(name: str, seen: tuple[str, ...] = ()) -> int:
        return 1 + max((depth(r, (*seen, name)) for r in below[name] if r not in (*seen, name)), default=0)

    order: list[str] = []

    def walk(name: str) -> None:
        if name not in order:
            order.append(name)
            for following in sorted(below[name], key=lambda r: -depth(r)):
                walk(following)

    walk(diagram.box(diagram.entry).role)
    return [*order, *(r for r in below if r not in order)]


def _zones(diagram: Diagram, inside: Iterable[Box]) -> list[tuple[str, str]]:
    """Columns: regions in the order of target.toml, zones by name; the entry's own zone has none, it stands above."""
    regions = list(dict.fromkeys(box.region for box in inside))
    zones = {(box.region, box.zone) for box in inside}
    entry = diagram.box(diagram.entry)
    alone = [b.name for b in inside if (b.region, b.zone) == (entry.region, entry.zone)] == [entry.name]
    if alone and len(zones) > 1:
        zones.discard((entry.region, entry.zone))
    return sorted(zones, key=lambda zone: (regions.index(zone[0]), zone[1]))


def _inside_boxes(inside: list[Box], rows: list[str], zones: list[tuple[str, str]], left: float) -> dict[str, Rect]:
    placed: dict[str, Rect] = {}
    y: float = TOP + HEADING + FRAME
    span = len(zones) * WIDTH + (len(zones) - 1) * BESIDE
    for role in rows:
        cells: dict[tuple[str, str], list[Box]] = {}
        for box in inside:
            if box.role == role:
                cells.setdefault((box.region, box.zone), []).append(box)
        for zone, cell in cells.items():
            above = zone not in zones
            x = left + FRAME + ((span - WIDTH) / 2 if above else zones.index(zone) * (WIDTH + BESIDE))
            for number, box in enumerate(cell):
                placed[box.name] = Rect(x, y + number * (HEIGHT + STACKED), WIDTH, HEIGHT)
        y += max(len(cell) for cell in cells.values()) * (HEIGHT + STACKED) - STACKED + BELOW
        if any(zone not in zones for zone in cells):  # the entry's own frame ends here, and the columns' begin
            y += FRAME + HEADING
    return placed


def _outside_boxes(diagram: Diagram, placed: dict[str, Rect], x: float) -> dict[str, Rect]:
    """Below each other, from the row of those who speak to them."""
    names = [box.name for box in diagram.boxes if box.region == OUTSIDE]
    speakers = [placed[e.source].y for e in diagram.edges if e.target in names and e.source in placed]
    y = min(speakers, default=TOP + HEADING + FRAME)
    return {name: Rect(x, y + number * (HEIGHT + 2 * STACKED), WIDTH, HEIGHT) for number, name in enumerate(names)}


def _frames(boxes: Iterable[Box], placed: dict[str, Rect]) -> dict[tuple[str, str], Rect]:
    zones: dict[tuple[str, str], list[Rect]] = {}
    for box in boxes:
        zones.setdefault((box.region, box.zone), []).append(placed[box.name])
    frames = {}
    for zone, inner in zones.items():
        x, y = min(r.x for r in inner) - FRAME, min(r.y for r in inner) - FRAME - HEADING
        right, bottom = max(r.x + r.w for r in inner) + FRAME, max(r.y + r.h for r in inner) + FRAME
        frames[zone] = Rect(x, y, right - x, bottom - y)
    return frames


def _lanes(diagram: Diagram, rank: dict[str, int]) -> dict[tuple[str, str], int]:
    """Which lane of the margin joins two roles that are no neighbours; short ones run nearest to the boxes."""
    pairs = {(diagram.box(e.source).role, diagram.box(e.target).role) for e in diagram.edges}
    apart = [p for p in pairs if p[0] in rank and p[1] in rank and rank[p[1]] - rank[p[0]] not in (0, 1)]
    ordered = sorted(apart, key=lambda p: (abs(rank[p[1]] - rank[p[0]]), p))
    return {pair: number for number, pair in enumerate(ordered)}


def _line(
    diagram: Diagram,
    edge: Edge,
    boxes: dict[str, Rect],
    rank: dict[str, int],
    *,
    lanes: dict[tuple[str, str], int],
    aside: bool,
) -> Line:
    source, target = diagram.box(edge.source), diagram.box(edge.target)
    a, b = boxes[edge.source], boxes[edge.target]
    (ax, ay), (bx, by) = a.middle, b.middle
    peers = source.role == target.role
    if OUTSIDE in (source.region, target.region):
        turn = b.x - 1.5 * BESIDE
        path = f"M{ax:g} {ay:g}H{turn:g}C{turn + 30:g} {ay:g} {b.x - 36:g} {by:g} {b.x - 2:g} {by:g}"
    elif peers:
        path = f"M{ax:g} {ay:g}L{bx:g} {by:g}"
    elif rank[target.role] - rank[source.role] == 1:
        start, end = a.y + a.h, b.y - 2
        bend = min(34.0, (end - start) / 2)
        path = f"M{ax:g} {start:g}C{ax:g} {start + bend:g} {bx:g} {end - bend:g} {bx:g} {end:g}"
    else:
        lane = lanes[(source.role, target.role)]
        first = min(r.x for name, r in boxes.items())
        x = first - FRAME - LANE * (lane + 1)
        shift = 4 * (lane % 5)  # lines that end in one row stay apart
        path = f"M{ax:g} {ay - 8 + shift:g}H{x:g}V{by - 8 + shift:g}H{b.x - 2:g}"
    return Line(edge, path, aside, peers)
