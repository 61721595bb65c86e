"""Draws a layout as SVG: text of ours alone, the same bytes for the same target, readable in light and in dark."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from harness.pages.layout import OUTSIDE, Layout, Line, lay_out
from harness.pages.model import Box, Diagram
from harness.pages.single import Standing, standings
from harness.pages.words import Language, role_name, text

STYLE = (Path(__file__).parent / "templates" / "diagram.css").read_text(encoding="utf-8")
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


def draw(diagram: Diagram, language: Language, *, interactive: bool = False) -> str:
    """Return the diagram as one SVG element.

    `interactive` is for pages: boxes are then buttons with names, and the style is the page's to give (`STYLE`).
    Otherwise the picture stands by itself, with its style, a title and a description.
    """
    layout, standing = lay_out(diagram), standings(diagram)
    key = diagram.phase
    title = text("architecture_of", language, phase=key, title=diagram.title)
    role = "group" if interactive else "img"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {layout.width:g} {layout.height:g}"'
        f' width="{layout.width:g}" height="{layout.height:g}" role="{role}"'
        f' aria-labelledby="{key}-title" aria-describedby="{key}-desc" font-family="{FONT}" font-size="12">'
    )
    described = _described(diagram, standing, language)
    parts = [
        head,
        f'<title id="{key}-title">{escape(title)}</title>',
        f'<desc id="{key}-desc">{escape(described)}</desc>',
        "" if interactive else f"<style>{STYLE}</style>",
        f'<defs><marker id="{key}-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9"'
        ' markerHeight="9" markerUnits="userSpaceOnUse"'
        ' orient="auto"><path class="d-tip" d="M0 0L8 4L0 8z"/></marker></defs>',
        f'<rect class="d-back" width="{layout.width:g}" height="{layout.height:g}" rx="8"/>',
        f'<text class="d-ink" x="24" y="34" font-size="20" font-weight="600">{escape(title)}</text>',
        *_frames(layout, language),
        *(_line(line, key) for line in layout.lines),
        *(_box(box, layout, standing[box.name], language, key if interactive else None) for box in diagram.boxes),
        *_legend(layout, language),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def names_single(diagram: Diagram, standing: dict[str, Standing]) -> list[str]:
    """Return the names of the single points of failure that requests meet."""
    return [box.name for box in diagram.boxes if standing[box.name].single and standing[box.name].on_the_way]


def label(box: Box, standing: Standing, language: Language) -> str:
    """Return a box in words, for whoever does not see it."""
    words = [f"{box.name}: {role_name(box.role, language)}", f"{text('zone', language)} {box.zone}"]
    words += [f"×{box.replicas}"] if box.replicas > 1 else []
    if standing.single:
        words += [text("legend_single" if standing.on_the_way else "legend_only", language)]
    return ", ".join(words)


def _described(diagram: Diagram, standing: dict[str, Standing], language: Language) -> str:
    names = names_single(diagram, standing)
    single = text("desc_single", language, names=", ".join(names)) if names else text("desc_none", language)
    zones = len({(box.region, box.zone) for box in diagram.boxes})
    return text("desc", language, boxes=len(diagram.boxes), zones=zones, entry=diagram.entry, single=single)


def _frames(layout: Layout, language: Language) -> Iterator[str]:
    several = len({region for region, _ in layout.frames if region != OUTSIDE}) > 1
    for (region, zone), r in layout.frames.items():
        outside = region == OUTSIDE
        name = text("outside", language) if outside else f"{text('zone', language)} {zone}"
        name += f", {text('region', language)} {region}" if several and not outside else ""
        style = "d-outside" if outside else "d-frame"
        yield f'<rect class="{style}" x="{r.x:g}" y="{r.y:g}" width="{r.w:g}" height="{r.h:g}" rx="10"/>'
        yield f'<text class="d-soft" x="{r.x + 14:g}" y="{r.y + 22:g}" font-size="13">{escape(name)}</text>'


def _line(line: Line, key: str) -> str:
    style = "d-line" + (" d-aside" if line.aside else "") + (" d-peers" if line.peers else "")
    tip = "" if line.peers else f' marker-end="url(#{key}-tip)"'
    edge = line.edge
    return f'<path class="{style}" data-from="{edge.source}" data-to="{edge.target}" d="{line.path}"{tip}/>'


def _box(box: Box, layout: Layout, standing: Standing, language: Language, key: str | None) -> str:
    r = layout.boxes[box.name]
    said = label(box, standing, language)
    button = f' role="button" tabindex="0" aria-pressed="false" aria-label="{escape(said)}"' if key else ""
    style = "d-part" + ("" if not standing.single else " d-single" if standing.on_the_way else " d-only")
    mark = "!" if standing.on_the_way else "1"
    role = role_name(box.role, language) + (f" ×{box.replicas}" if box.replicas > 1 else "")
    doors = ", ".join(f"{door.protocol} {door.port}" for door in box.doors)
    names = escape(" ".join(door.name for door in box.doors))
    return "\n".join(
        [
            f'<g class="{style}" data-part="{box.name}" data-links="{names}"{button}>',
            *([] if key else [f"<title>{escape(said)}</title>"]),
            *(
                f'<rect class="d-many" x="{r.x + s:g}" y="{r.y + s:g}" width="{r.w:g}" height="{r.h:g}" rx="6"/>'
                for s in ((5,) if box.replicas > 1 else ())
            ),
            f'<rect class="d-box" x="{r.x:g}" y="{r.y:g}" width="{r.w:g}" height="{r.h:g}" rx="6"/>',
            f'<text class="d-ink d-name" x="{r.x + 12:g}" y="{r.y + 22:g}">{escape(box.name)}</text>',
            f'<text class="d-soft" x="{r.x + 12:g}" y="{r.y + 39:g}">{escape(role)}</text>',
            f'<text class="d-soft" x="{r.x + 12:g}" y="{r.y + 55:g}">{escape(doors)}</text>' if doors else "",
            _mark(r.x + r.w - 15, r.y + 15, mark) if standing.single else "",
            "</g>",
        ]
    ).replace("\n\n", "\n")


def _mark(x: float, y: float, sign: str, hollow: str = "") -> str:
    circle = f'<circle class="d-mark{hollow}" cx="{x:g}" cy="{y:g}" r="8"/>'
    return circle + f'<text class="d-bang{hollow}" x="{x:g}" y="{y + 4.5:g}">{sign}</text>'


def _legend(layout: Layout, language: Language) -> Iterator[str]:
    """What marks mean; nothing is said by colour alone."""
    wide = layout.width > 800
    top = layout.height - (22 if wide else 40)
    places = [(24, top), (210, top), (390, top), (555, top)] if wide else [
        (24, top), (250, top), (24, top + 20), (250, top + 20)
    ]  # fmt: skip
    keys = ("legend_single", "legend_arrow", "legend_only", "legend_aside")
    if wide:
        places = [places[0], places[2], places[1], places[3]]
    for (x, y), key in zip(places, keys, strict=True):
        yield _sign(key, x, y - 4)
        yield f'<text class="d-soft" x="{x + 36:g}" y="{y:g}">{escape(text(key, language))}</text>'


def _sign(key: str, x: float, y: float) -> str:
    if key == "legend_single":
        return _mark(x + 22, y, "!")
    if key == "legend_only":
        return _mark(x + 22, y, "1", " d-hollow")
    return f'<path class="d-line{" d-aside" if key == "legend_aside" else ""}" d="M{x:g} {y:g}H{x + 30:g}"/>'
