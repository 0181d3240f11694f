"""What the Models page loads: the checkpoint bundles on this machine and the reports that lie in them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image as Picture

from dashboard.i18n import _, mark
from fer_phq.core.errors import ModelError
from fer_phq.core.phq import Modality, Scale
from fer_phq.models.checkpoint import CONFIG, SHIPPED, Bundle, models_dir, read_bundle

PICTURES = {
    "scatter.png": (
        mark("Estimates against scores"),
        mark("Each left-out session's estimate against its questionnaire score"),
    ),
    "calibration.png": (
        mark("Calibration"),
        mark("Mean questionnaire score of sessions with like estimates, against the estimate"),
    ),
    "learning_curve.png": (
        mark("Learning curve"),
        mark("Error on people left out, over the number of people trained on"),
    ),
}


@dataclass(frozen=True)
class Figure:
    """A figure with its bootstrap interval over people."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class SetFigures:
    """How one head did on people whom it had not seen. floor: MAE of always answering the training's mean.

    model: 'ridge', ... level, coverage: shares; width: mean width of the interval in points.
    """

    modalities: tuple[Modality, ...]
    model: str
    people: int
    mae: Figure
    floor: Figure
    rmse: Figure
    ccc: Figure
    pearson: Figure
    level: float
    coverage: float
    width: float


@dataclass(frozen=True)
class HeadReport:
    """A bundle's `report.json`: its sets in the order in which the heads are asked.

    bootstrap_level: of the figures' intervals, a share.
    """

    scale: Scale
    sessions: int
    people: int
    bootstrap_level: float
    sets: tuple[SetFigures, ...]


@dataclass(frozen=True)
class Broken:
    """A folder among the models that is no bundle we can use, and why, in one sentence."""

    path: Path
    why: str


def all_bundles() -> tuple[list[Bundle], list[Broken]]:
    """The shipped bundle and a person's own, newest first; one that cannot be read does not hide the others."""
    # Hidden folders are bundles that are being written.
    own = [path for path in models_dir().glob("*") if (path / CONFIG).is_file() and path.name[0] != "."]
    bundles = []
    broken = []
    for folder in [*sorted(own, key=lambda path: -path.stat().st_mtime), SHIPPED]:
        try:
            bundles.append(read_bundle(folder))
        except ModelError as error:
            broken.append(Broken(folder, str(error)))
    return bundles, broken


def report_of(bundle: Bundle) -> HeadReport | None:
    """The bundle's report; None when it has none. ModelError when it cannot be read."""
    path = bundle.path / "report.json"
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        sets = tuple(_set(one) for one in found["sets"])
        level = float(found.get("bootstrap_level", 0.95))
        return HeadReport(Scale(found["scale"]), int(found["sessions"]), int(found["subjects"]), level, sets)
    except (OSError, ValueError, TypeError, KeyError) as error:
        words = _("The report {path} cannot be read ({reason}); train the head again.")
        raise ModelError(words.format(path=path, reason=type(error).__name__)) from None


def _set(found: Mapping[str, Any]) -> SetFigures:
    judged = found["models"][found["chosen"]]
    interval = found["interval"]
    names = {"mae": "mae", "floor": "floor_mae", "rmse": "rmse", "ccc": "ccc", "pearson": "pearson"}
    return SetFigures(
        modalities=tuple(Modality(name) for name in found["modalities"]),
        model=str(found["chosen"]),
        people=int(judged["subjects"]),
        **{ours: _figure(judged, theirs) for ours, theirs in names.items()},
        level=float(interval["interval_level"]),
        coverage=float(interval["interval_coverage"]),
        width=float(interval["interval_mean_width"]),
    )


def _figure(judged: Mapping[str, Any], name: str) -> Figure:
    ends = judged["intervals"][name]
    return Figure(float(judged[name]), float(ends["low"]), float(ends["high"]))


def card_of(bundle: Bundle) -> str:
    """The bundle's card for a page: a bundle may come from anywhere, so no picture is loaded and no file linked to."""
    card = re.sub(r"\[([^\]]*)\]\((?!https?://)[^)]*\)", r"\1", bundle.card.replace("![", "["))
    # A page has one title: the card's is a small one, its sections' are smaller still.
    return re.sub(r"^#+ ", lambda marks: "### " if marks[0] == "# " else "#### ", card, flags=re.MULTILINE)


def pictures_of(bundle: Bundle) -> list[tuple[Path, str, str]]:
    """The report's diagrams that are there and whole: file, caption, and what it shows in words."""
    found = []
    for name, (caption, alt) in PICTURES.items():
        try:
            with Picture.open(bundle.path / name) as picture:
                picture.verify()
        except (OSError, SyntaxError):  # Pillow's word for a picture that is no picture
            continue
        found.append((bundle.path / name, _(caption), _(alt)))
    return found
