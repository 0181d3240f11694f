"""Pictures of every chart as Chromium draws it: what they are of, how they are drawn, compared and kept.

    PYTHONPATH=. python tests/chart_pictures.py                    # draws them anew, into tests/pictures/charts
    PYTHONPATH=. python tests/chart_pictures.py emotion_timeline   # only those whose names begin so

Needs Chromium on the path and the `dev` extra (Playwright). Look at what it has written before you keep it.
"""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import chart_samples as samples
import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from PIL import Image
from plotly.offline import get_plotlyjs
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter, uniform_filter
from served import ROOT, browser_tab

from dashboard import charts
from dashboard.theme import theme
from dashboard.theme.palette import DARK, LIGHT, Palette
from fer_phq.core.phq import Provenance
from fer_phq.features.measures import BY_NAME

Picture = npt.NDArray[np.uint8]
"""RGB, (height, width, 3)."""
FOLDER = ROOT / "tests" / "pictures" / "charts"
WIDE, NARROW = 720, 400
"""Pixels: a chart in a page's card, and on a telephone."""
SMILES, PITCH = BY_NAME["smiling_share"], BY_NAME["pitch_sd"]

CHARTS: dict[str, Callable[[Palette], go.Figure]] = {
    "emotion_timeline": lambda c: charts.emotion_timeline(samples.course(), c, stacked=True, tracks=samples.beside()),
    "emotion_timeline-lines": lambda c: charts.emotion_timeline(samples.course(), c, stacked=False),
    "emotion_timeline-gaps": lambda c: charts.emotion_timeline(
        samples.course(60, ((0, 9), (14, 20), (50, 60))), c, stacked=True
    ),
    "emotion_timeline-empty": lambda c: charts.emotion_timeline(samples.course(0, ()), c, stacked=True),
    "emotion_bars": lambda c: charts.emotion_bars(samples.shares(), c, label="This moment", reference_label="Session"),
    "phq_scale": lambda c: charts.phq_scale(samples.estimate(10.5, 14), c),
    "phq_scale-simulated": lambda c: charts.phq_scale(samples.estimate(6, 17, Provenance.SIMULATED), c),
    "emotion_trend": lambda c: charts.emotion_trend(samples.half_year(), c, events=samples.happened()),
    "phq_trend": lambda c: charts.phq_trend(samples.half_year(), samples.changes(), c, events=samples.happened()),
    "phq_trend-empty": lambda c: charts.phq_trend(samples.half_year(0), samples.changes().iloc[:0], c),
    "measure_trend": lambda c: charts.measure_trend(samples.measured(), [SMILES, PITCH], c, events=samples.happened()),
    "period_panel": lambda c: charts.period_panel(*samples.two_periods(), SMILES, c),
    "distribution_panel": lambda c: charts.distribution_panel(*samples.people(), SMILES, c),
    "distribution_panel-empty": lambda c: charts.distribution_panel(*samples.nobody(), SMILES, c),
    "person_panel": lambda c: charts.person_panel(
        samples.measured().iloc[:12], SMILES, c, limits=(0, 0.5), span=charts.date_span(samples.half_year().recorded_at)
    ),
    "training_curves": lambda c: charts.training_curves(samples.folds(), c),
    "estimates_of_two": lambda c: charts.estimates_of_two(samples.pairs(), ("model in use", "other model"), c),
    "share_differences": lambda c: charts.share_differences(samples.differences(), c),
}
"""What is drawn: the chart function's own name, and what is special about it after a hyphen."""


@dataclass(frozen=True)
class Kept:
    """One kept picture: which chart, in which mode and how wide."""

    chart: str
    mode: Palette
    width: int

    @property
    def name(self) -> str:
        return "-".join([self.chart, *([str(self.width)] if self.width != WIDE else []), self.mode.mode])

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.webp"

    def figure(self) -> go.Figure:
        return CHARTS[self.chart](self.mode)


ON_TELEPHONES = ("emotion_timeline", "emotion_bars", "phq_scale", "emotion_trend", "phq_trend", "measure_trend")
KEPT = [
    *(Kept(chart, mode, WIDE) for chart in CHARTS for mode in (LIGHT, DARK)),
    *(Kept(chart, mode, NARROW) for chart in ON_TELEPHONES for mode in (LIGHT, DARK)),
]


# ------------------------------------------------------------------------------------------------------------- drawing

DRAW = """async ([json, width, background]) => {
  const figure = JSON.parse(json), chart = document.querySelector("#chart");
  document.body.style.background = background;
  Plotly.purge(chart);  // nothing of the chart before remains
  const size = {width: figure.layout.width ?? width, height: figure.layout.height};
  await Plotly.newPlot(chart, figure.data, {...figure.layout, ...size}, {staticPlot: true});
  await document.fonts.ready;
  return size;
}"""


@contextmanager
def easel() -> Iterator[Any]:
    """A browser tab with Plotly and the dashboard's font, in which charts are drawn one after the other."""
    font = base64.b64encode((ROOT / "dashboard" / "static" / Path(theme.FONT_FILE).name).read_bytes()).decode()
    face = f"@font-face {{ font-family: {theme.FONT}; font-weight: 100 900; src: url(data:font/woff2;base64,{font}) }}"
    with browser_tab("--hide-scrollbars", "--disable-lcd-text", "--force-color-profile=srgb") as tab:
        tab.set_viewport_size({"width": 800, "height": 900})
        tab.set_content(f"<!doctype html><style>{face} body {{ margin: 0 }}</style><div id=chart></div>")
        tab.add_script_tag(content=get_plotlyjs())
        # Plotly measures words when it draws: the font must be there before.
        tab.evaluate(f"Promise.all(['400', '700'].map(w => document.fonts.load(`${{w}} 12px {theme.FONT}`)))")
        yield tab


def draw(tab: Any, figure: go.Figure, colours: Palette, width: int = WIDE) -> dict[str, int]:
    """Draw the figure on a card of the palette, as a person sees it before touching it; its width and height."""
    size: dict[str, int] = tab.evaluate(DRAW, [figure.to_json(), width, colours.card])
    return size


def drawn(tab: Any, figure: go.Figure, colours: Palette, width: int = WIDE) -> Picture:
    """A picture of the figure."""
    shot = tab.screenshot(clip={"x": 0, "y": 0, **draw(tab, figure, colours, width)}, full_page=True)
    with Image.open(io.BytesIO(shot)) as image:
        return np.asarray(image.convert("RGB"))


# --------------------------------------------------------------------------------------------------------------- words

WORDS = """() => [...document.querySelectorAll("#chart text")]
  .flatMap(text => text.querySelector("tspan.line") ? [...text.querySelectorAll("tspan.line")] : [text])
  .map(line => [line.textContent, line.getBoundingClientRect()])
  .filter(([said, box]) => said.trim() && box.width)
  .map(([said, box]) => [said, box.left, box.top, box.right, box.bottom])"""
TICKS = """() => [...document.querySelectorAll("#chart .xaxislayer-above text")]
  .map(tick => [tick.textContent, tick.getBoundingClientRect()])
  .map(([said, box]) => [said, Math.round((box.left + box.right) / 2)])"""
LEADING = 5.0
"""Pixels: two lines' boxes may overlap by so much in height and their letters not yet touch."""


def unreadable(tab: Any, figure: go.Figure, colours: Palette, width: int = WIDE) -> list[str]:
    """Words of the figure that are cut off at an edge of its picture, or lie over one another."""
    size = draw(tab, figure, colours, width)
    lines = tab.evaluate(WORDS)
    cut = [said for said, *box in lines if min(box) < 0 or box[2] > size["width"] or box[3] > size["height"]]
    over = [
        f"{one[0]} | {other[0]}"
        for one, other in combinations(lines, 2)
        if min(one[3], other[3]) - max(one[1], other[1]) > 1 and min(one[4], other[4]) - max(one[2], other[2]) > LEADING
    ]
    return [*cut, *over]


def ticks(tab: Any, figure: go.Figure, colours: Palette, width: int = WIDE) -> list[tuple[str, int]]:
    """The words at the figure's x axes, and the pixel at which each stands."""
    draw(tab, figure, colours, width)
    return [(said, x) for said, x in tab.evaluate(TICKS)]


def edges_are_bare(picture: Picture, colours: Palette) -> bool:
    """Nothing reaches the left or the right edge, where it would be cut off."""
    card = [int(colours.card[i : i + 2], 16) for i in (1, 3, 5)]
    return bool((picture[:, :2] == card).all() and (picture[:, -2:] == card).all())


# ----------------------------------------------------------------------------------------------------------- comparing

LIMIT = 3.0
"""The largest `difference` of two pictures of one chart.

Measured: letters with other hinting and no kerning, everything half a pixel or a whole one aside differ by 2.0 at most.
What a person would see differs by more: vertical grid lines gone 3.8, one of seven thin lines in a slightly other tone
4.8, two names of a legend exchanged 53, a line gone 76, a value shifted by a tenth of its axis 79.
`tests/dashboard/charts/test_chart_pictures.py` makes such changes and sees them noticed.
"""


def differing(one: Picture, other: Picture) -> npt.NDArray[np.float32]:
    """How much two pictures of one size differ around each pixel, 0 to 255, (height, width).

    Blurred, so that the edge of a letter may be drawn otherwise. The mean over a small square, so that what is missing
    there counts for itself and is not lost among all that is the same.
    """
    first, second = (gaussian_filter(picture.astype(np.float32), (1.5, 1.5, 0)) for picture in (one, other))
    apart = np.maximum(_beyond(first, second), _beyond(second, first)).max(axis=2)
    return np.asarray(uniform_filter(apart, 9), dtype=np.float32)


def difference(one: Picture, other: Picture) -> float:
    """The most that two pictures differ anywhere, 0 to 255; pictures of two sizes are not alike at all."""
    return float(differing(one, other).max()) if one.shape == other.shape else 255.0


def marked(picture: Picture, kept: Picture) -> Picture:
    """The picture, pale, with red where it differs from the kept one by more than `LIMIT`; sizes that differ: all."""
    pale = (255 - (255 - picture.astype(np.float32)) * 0.35).astype(np.uint8)
    there = differing(picture, kept) > LIMIT if picture.shape == kept.shape else np.ones(picture.shape[:2], bool)
    return np.where(there[..., None], np.asarray([200, 0, 0], dtype=np.uint8), pale)


def _beyond(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """How far each pixel lies outside of what the other picture has there and one pixel around."""
    near = (3, 3, 1)
    above, below = one - maximum_filter(other, near), minimum_filter(other, near) - one
    return np.asarray(np.maximum(np.maximum(above, below), 0), dtype=np.float32)


# ------------------------------------------------------------------------------------------------------------- keeping


def read(path: Path) -> Picture:
    """A kept picture."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def write(picture: Picture, path: Path) -> None:
    """Keep a picture as it is, without loss."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, lossless=True, quality=100, method=6)


def main(beginning: str = "") -> None:
    """Draw the kept pictures anew; those that nothing is drawn for any more are removed."""
    for path in set(FOLDER.glob("*.webp")) - {kept.path for kept in KEPT}:
        path.unlink()
    with easel() as tab:
        for kept in KEPT:
            if kept.name.startswith(beginning):
                write(drawn(tab, kept.figure(), kept.mode, kept.width), kept.path)
                print(kept.path.relative_to(ROOT))


if __name__ == "__main__":
    main(*sys.argv[1:])
