"""Draw the packages, their rooms and the imports between the rooms, read from the code.

python docs/architecture.py          # writes docs/pictures/architecture.svg
python docs/architecture.py --check  # exit code 1 where the picture is not the code's
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "pictures" / "architecture.svg"
FLOORS = ("dashboard", "service", "training", "db", "fer_phq")
"""The packages from the highest to the lowest."""
EVERYWHERE = {"messages", "__init__", "__main__"}
"""Modules that every room may have, left out of the picture."""

WIDTH = 1320
LEFT = 150
FLOOR_HEIGHT = 150
BOX_HEIGHT = 30
CHARACTER = 6.9
"""Width of a character of the boxes' font, px."""

Imports = Mapping[str, frozenset[str]]
"""A room, and the rooms of its package that it imports."""


def main() -> None:
    """Write the picture, or compare it with the code."""
    picture = draw()
    if "--check" not in sys.argv[1:]:
        PICTURE.write_text(picture, encoding="utf-8")
    elif not PICTURE.is_file() or PICTURE.read_text(encoding="utf-8") != picture:
        sys.exit(f"{PICTURE.relative_to(ROOT)} is not the code's: run python docs/architecture.py.")


def draw() -> str:
    """Return the picture as SVG."""
    height = FLOOR_HEIGHT * len(FLOORS) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="DejaVu Sans, Verdana, sans-serif" role="img">',
        "<title>The packages of fer-phq, their rooms and the imports between rooms</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
    ]
    for number, package in enumerate(FLOORS):
        parts += _draw_floor(package, 10 + number * FLOOR_HEIGHT)
    return "\n".join([*parts, "</svg>"]) + "\n"


def room_imports(package: str) -> Imports:
    """Read which rooms of a package import which.

    Args:
        package: Name of a package at the repository's root.
    """
    rooms = {path.stem for path in (ROOT / package).iterdir() if _is_room(path)}
    imports: dict[str, set[str]] = {room: set() for room in rooms}
    for path in (ROOT / package).rglob("*.py"):
        room = path.relative_to(ROOT / package).parts[0].removesuffix(".py")
        if room in rooms:
            imports[room] |= {other for other in _own_rooms(path, package) if other in rooms and other != room}
    return {room: frozenset(others) for room, others in imports.items()}


def room_order(imports: Imports) -> list[str]:
    """Order rooms such that each stands after all that it imports.

    Args:
        imports: Of each room; a circle among them raises ValueError.
    """
    order: list[str] = []
    while len(order) < len(imports):
        free = sorted(room for room in imports if room not in order and imports[room] <= set(order))
        if not free:
            raise ValueError(f"a circle of imports among {sorted(set(imports) - set(order))}")
        order += free
    return order


def package_imports(package: str) -> list[str]:
    """List the other packages of ours that a package imports, the highest first.

    Args:
        package: Name of a package at the repository's root.
    """
    names = {name.split(".")[0] for path in (ROOT / package).rglob("*.py") for name, _ in _imports(path)}
    return [floor for floor in FLOORS if floor in names - {package}]


def _is_room(path: Path) -> bool:
    if path.name.removesuffix(".py") in EVERYWHERE:
        return False
    return path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py")))


def _imports(path: Path) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, []


def _own_rooms(path: Path, package: str) -> Iterator[str]:
    for module, names in _imports(path):
        if module == package:
            yield from names
        elif module.startswith(f"{package}."):
            yield module.split(".")[1]


def _draw_floor(package: str, top: float) -> Iterator[str]:
    imports = room_imports(package)
    order = room_order(imports)
    below = package_imports(package)
    base = top + FLOOR_HEIGHT - BOX_HEIGHT - 14
    yield f'<rect x="10" y="{top}" width="{WIDTH - 20}" height="{FLOOR_HEIGHT - 6}" rx="6" fill="#f3f6f7"/>'
    yield f'<text x="24" y="{top + 32}" font-size="17" font-weight="bold" fill="#1b2a30">{package}/</text>'
    for line, text in enumerate(["imports", *below] if below else ["imports none", "of the others"]):
        yield f'<text x="24" y="{top + 56 + 15 * line}" font-size="11" fill="#52636b">{text}</text>'
    places = _places(order)
    for room in order:
        for other in sorted(imports[room]):
            yield _arc(places[room], places[other], base)
    for room in order:
        left, width = places[room]
        yield f'<rect x="{left:.1f}" y="{base}" width="{width:.1f}" height="{BOX_HEIGHT}" rx="4" fill="#0072b2"/>'
        middle = left + width / 2
        yield (
            f'<text x="{middle:.1f}" y="{base + 19}" font-size="11" text-anchor="middle" fill="#ffffff">'
            f"{escape(room)}</text>"
        )


def _places(order: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Left edge and width of each room's box: as wide as its name, spread over the floor."""
    widths = [CHARACTER * len(room) + 10 for room in order]
    gap = min(24.0, (WIDTH - LEFT - 24 - sum(widths)) / max(len(order) - 1, 1))
    places = {}
    left = float(LEFT)
    for room, width in zip(order, widths, strict=True):
        places[room] = (left, width)
        left += width + gap
    return places


def _arc(importer: tuple[float, float], imported: tuple[float, float], base: float) -> str:
    """An arc from a room to one that it imports, which stands to its left."""
    start = importer[0] + importer[1] / 2
    end = imported[0] + imported[1] / 2
    rise = min(12 + (start - end) / 9, FLOOR_HEIGHT - BOX_HEIGHT - 34)
    return (
        f'<path d="M{start:.1f} {base} C{start:.1f} {base - rise:.1f} {end:.1f} {base - rise:.1f} {end:.1f} {base}" '
        'fill="none" stroke="#7b8b93" stroke-width="0.8" stroke-opacity="0.7"/>'
    )


if __name__ == "__main__":
    main()
