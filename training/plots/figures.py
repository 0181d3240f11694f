"""Diagrams of evaluations and runs, from tidy values to Matplotlib figures. This module computes no metric.

Figures are made without pyplot, so drawing needs no display and leaves no global state. Colours are Okabe & Ito's
(2008), which stay apart for colour-blind readers; the confusion matrix uses one hue of rising darkness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from training.plots.reliability import ReliabilityBin

BLUE = "#0072B2"
ORANGE = "#D55E00"
GREY = "#8A9499"
INK = "#1B2A30"
DPI = 150

Rows = Sequence[Mapping[str, float | int | str | None]]
"""A run's log, one mapping for each epoch. A key that a row lacks, or that is null, is drawn as a gap."""


def confusion_figure(confusion: Sequence[Sequence[int]], classes: Sequence[str], title: str = "") -> Figure:
    """Draw a confusion matrix. Cells are shaded by their share of the row; rows without images stay white.

    Args:
        confusion: Counts [label][model's answer].
        classes: Names of the classes, in the same order.
        title: Title of the figure.
    """
    counts = np.asarray(confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = create_figure(7.0, 6.2, title)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(classes))
    axes.set_xticks(ticks, classes, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(ticks, [f"{name} ({n})" for name, n in zip(classes, counts.sum(axis=1), strict=True)])
    axes.set_xlabel("The model said")
    axes.set_ylabel("The label says (images)")
    axes.spines[:].set_visible(False)
    for i in ticks:
        for j in ticks:
            text = f"{shares[i, j]:.0%}\n{counts[i, j]}"
            axes.text(j, i, text, ha="center", va="center", size=8, color="white" if shares[i, j] > 0.55 else INK)
    bar = figure.colorbar(image, ax=axes, format=PercentFormatter(1), shrink=0.8)
    bar.set_label("Share of the label's images")
    return figure


def reliability_figure(bins: Sequence[ReliabilityBin], ece: float, title: str = "") -> Figure:
    """Draw a reliability diagram: accuracy against confidence, with the number of images of each bin below.

    Args:
        bins: Bins of confidence, of equal width.
        ece: Expected calibration error, 0 to 1.
        title: Title of the figure.
    """
    figure = Figure(figsize=(5.6, 6.2), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    figure.suptitle(title, size=10)
    filled = [b for b in bins if b.n]
    middles = [(b.low + b.high) / 2 for b in filled]
    width = bins[0].high - bins[0].low
    top.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="perfectly calibrated")
    top.bar(middles, [b.accuracy for b in filled], width=0.94 * width, color=BLUE, label="accuracy in the bin")
    top.plot([b.confidence for b in filled], [b.accuracy for b in filled], "o", color=ORANGE, markersize=4)
    top.set(ylabel="Accuracy", xlim=(0, 1), ylim=(0, 1))
    top.set_title(f"ECE {ece:.3f} over {len(bins)} bins; dots at each bin's mean confidence", size=9, loc="left")
    top.legend(loc="upper left", frameon=False, fontsize=8)
    bottom.bar(middles, [b.n for b in filled], width=0.94 * width, color=GREY)
    bottom.set(xlabel="Confidence (highest probability)", ylabel="Images")
    for axes in (top, bottom):
        style_axes(axes)
    return figure


def learning_curves_figure(rows: Rows, title: str = "") -> Figure:
    """Draw a run's learning curves: accuracy, loss (both with their gap shaded) and learning rate by epoch.

    A vertical line stands where a stage or an image size ends. Diagrams of values that were not logged say so.

    Args:
        rows: The run's log.
        title: Title of the figure.
    """
    figure = Figure(figsize=(7.4, 7.6), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    accuracy, loss, rate = figure.subplots(3, 1, sharex=True, height_ratios=[3, 3, 1.4])
    figure.suptitle(title, size=10)
    epochs = _epochs(rows)
    _pair(accuracy, epochs, _column(rows, "train_accuracy"), _column(rows, "valid_accuracy"))
    accuracy.set_ylabel("Accuracy")
    accuracy.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    _pair(loss, epochs, _column(rows, "train_loss"), _column(rows, "valid_loss"))
    _line(loss, epochs, _column(rows, "step_loss"), "steps (augmented images)", color=GREY, linestyle=":")
    loss.set_ylabel("Loss (cross-entropy, nats)")
    _line(rate, epochs, _column(rows, "learning_rate"), "learning rate", color=INK)
    rate.set(xlabel="Epoch", ylabel="Learning rate")
    rate.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (accuracy, loss, rate):
        if axes.lines and axes is not rate:
            axes.legend(frameon=False, fontsize=8)
        if not axes.lines:
            axes.text(0.5, 0.5, "not logged", transform=axes.transAxes, ha="center", color=GREY)
            axes.set_yticks([])
        for change in _changes(rows):
            axes.axvline(change, color=GREY, linewidth=0.8, linestyle=":")
        style_axes(axes)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG.

    Args:
        figure: The figure.
        path: The file to write.

    Raises:
        OSError: It cannot be written.
    """
    figure.savefig(path, format="png")


def _pair(axes: Axes, epochs: Sequence[float], train: Sequence[float], valid: Sequence[float]) -> None:
    """Draw training and validation lines; the gap between them is shaded."""
    _line(axes, epochs, train, "training", color=ORANGE, linestyle="--")
    _line(axes, epochs, valid, "validation", color=BLUE)
    if not np.isnan(np.subtract(train, valid)).all():
        axes.fill_between(epochs, train, valid, color=GREY, alpha=0.2, linewidth=0, label="gap")


def _line(
    axes: Axes, epochs: Sequence[float], values: Sequence[float], label: str, color: str, linestyle: str = "-"
) -> None:
    """Draw a line with its points, unless nothing of it was logged."""
    if not np.isnan(values).all():
        axes.plot(epochs, values, color=color, linestyle=linestyle, marker=".", label=label)


def _column(rows: Rows, key: str) -> list[float]:
    values = (row.get(key) for row in rows)
    return [float("nan") if value is None else float(value) for value in values]


def _epochs(rows: Rows) -> list[float]:
    """Return the epochs as logged, or counted through where a later stage starts again and a line would run back."""
    epochs = _column(rows, "epoch")
    rising = all(later > earlier for earlier, later in pairwise(epochs))
    return epochs if rising else [float(i + 1) for i in range(len(rows))]


def _changes(rows: Rows) -> list[float]:
    """Return the epochs (halves) between which stage or image size changes."""
    kinds = [(row.get("stage"), row.get("image_size")) for row in rows]
    epochs = _epochs(rows)
    return [(epochs[i] + epochs[i - 1]) / 2 for i in range(1, len(rows)) if kinds[i] != kinds[i - 1]]


def create_figure(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    """Create an empty figure with axes.

    Args:
        width: Width in inches.
        height: Height in inches.
        title: Title of the figure.
    """
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    figure.suptitle(title, size=10)
    return figure, axes


def style_axes(axes: Axes) -> None:
    """Give axes a light grid, and no frame at the top and to the right."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#E1E6E8", linewidth=0.6)
    axes.set_axisbelow(True)
