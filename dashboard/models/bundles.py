"""What the Models page loads: the checkpoint bundles on this machine, their reports, cards and diagrams."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as Picture

from dashboard.i18n import _, mark
from fer_phq.core.errors import ModelError
from fer_phq.core.messages import Message
from fer_phq.models.checkpoint import CONFIG, SHIPPED, Bundle, models_dir, read_bundle
from fer_phq.models.head_report import REPORT, HeadReport, read_report

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
"""The report's diagrams: file, caption, and the content in words."""


@dataclass(frozen=True)
class BrokenBundle:
    """A folder among the models that is no bundle that can be used.

    Attributes:
        path: The folder.
        reason: Why it cannot be used.
    """

    path: Path
    reason: Message


def load_bundles() -> tuple[list[Bundle], list[BrokenBundle]]:
    """Load the shipped bundle and those of this installation, newest first.

    Returns:
        The bundles, and the folders that cannot be read, which do not hide the others.
    """
    # Hidden folders are bundles that are being written.
    folders = [path for path in models_dir().glob("*") if (path / CONFIG).is_file() and path.name[0] != "."]
    bundles = []
    broken = []
    for folder in [*sorted(folders, key=lambda path: -path.stat().st_mtime), SHIPPED]:
        try:
            bundles.append(read_bundle(folder))
        except ModelError as error:
            broken.append(BrokenBundle(folder, error.message))
    return bundles, broken


def load_report(bundle: Bundle) -> HeadReport | None:
    """Load a bundle's report.

    Args:
        bundle: The bundle.

    Returns:
        The report; None when the bundle has none.

    Raises:
        ModelError: It cannot be read.
    """
    path = bundle.path / REPORT
    return read_report(path) if path.is_file() else None


def load_card(bundle: Bundle) -> str:
    """Load a bundle's card for a page, as Markdown.

    A bundle may come from anywhere: no picture of its card is loaded and no file linked to.

    Args:
        bundle: The bundle.
    """
    card = re.sub(r"\[([^\]]*)\]\((?!https?://)[^)]*\)", r"\1", bundle.card.replace("![", "["))
    # A page has one title: the card's is a small one, its sections' are smaller still.
    return re.sub(r"^#+ ", lambda signs: "### " if signs[0] == "# " else "#### ", card, flags=re.MULTILINE)


def list_pictures(bundle: Bundle) -> list[tuple[Path, str, str]]:
    """List the diagrams of a bundle's report that are there and whole.

    Args:
        bundle: The bundle.

    Returns:
        Of each diagram the file, its caption and its content in words.
    """
    pictures = []
    for name, (caption, alt) in PICTURES.items():
        try:
            with Picture.open(bundle.path / name) as picture:
                picture.verify()
        except (OSError, SyntaxError):  # Pillow raises SyntaxError for a damaged picture
            continue
        pictures.append((bundle.path / name, _(caption), _(alt)))
    return pictures
