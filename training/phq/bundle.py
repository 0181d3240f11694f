"""A trained PHQ head as a checkpoint bundle: the base bundle's backbone, the new heads, their report and card."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message
from fer_phq.core.phq import Provenance
from fer_phq.models.checkpoint import (
    CONFIG,
    RUNTIME,
    WEIGHTS,
    Bundle,
    BundleConfig,
    PhqConfig,
    runtime_file,
    write_config,
    write_sources,
)
from fer_phq.models.head_report import SetReport
from fer_phq.models.phq_head import save_heads
from training.folders import replace_folder
from training.phq import messages
from training.phq.models.intervals import LEVEL
from training.phq.report import TrainingResult, write_report

EMOTION_CARD = "EMOTION_MODEL_CARD.md"
COMPANIONS = ("recipe.yaml", "metrics.json", "robustness.json", "robustness.md")
"""Files of a base bundle that describe its emotion model alone."""


def write_phq_bundle(
    result: TrainingResult,
    base: Bundle,
    out: Path,
    provenance: Provenance,
    training: Message,
    overwrite: bool = False,
    sources: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write the bundle of trained heads, whole or not at all.

    Args:
        result: The heads and their report.
        base: The bundle whose backbone and emotion head are taken over.
        out: The new bundle's folder, whose name becomes the bundle's.
        provenance: Whether the labels were clinical or simulated.
        training: One sentence on the labels.
        overwrite: Whether a bundle that lies in `out` is replaced.
        sources: The subject's UUID of each stored session that the heads learned from, by the session's UUID.

    Raises:
        FerPhqError: `out` is not empty, or cannot be written.
    """
    check_output_folder(out, overwrite)
    try:
        with replace_folder(out) as folder:
            shutil.copyfile(base.path / WEIGHTS[0], folder / WEIGHTS[0])
            if (network := runtime_file(base)) is not None:
                shutil.copyfile(network, folder / RUNTIME)
            for name in COMPANIONS:
                if (base.path / name).is_file():
                    shutil.copyfile(base.path / name, folder / name)
            (folder / EMOTION_CARD).write_text(_emotion_card(base), encoding="utf-8")
            config = write_heads(result, base.config, folder, provenance, training, name=out.resolve().name)
            write_report(result, folder)
            write_sources(folder, sources)
            (folder / "MODEL_CARD.md").write_text(model_card(result, config, base), encoding="utf-8")
    except OSError as error:
        raise FerPhqError(messages.BUNDLE_UNWRITABLE(out=str(out), strerror=str(error.strerror))) from None


def _emotion_card(base: Bundle) -> str:
    """Return the card of the emotion model: a base that is a trained head itself keeps it under another name."""
    card = base.path / EMOTION_CARD
    return card.read_text(encoding="utf-8") if card.is_file() else base.card


def write_heads(
    result: TrainingResult, config: BundleConfig, folder: Path, provenance: Provenance, training: Message, name: str
) -> BundleConfig:
    """Write the heads and the configuration with them into a bundle's folder.

    Args:
        result: The heads, the one that is asked first at the front.
        config: The base bundle's configuration.
        folder: The bundle's folder, which holds the base's weights already.
        provenance: Whether the labels were clinical or simulated.
        training: One sentence on the labels.
        name: The bundle's name.

    Returns:
        The configuration that was written.
    """
    facts = save_heads([fit.head for fit in result.fits], folder / WEIGHTS[1])
    phq = PhqConfig(result.report.scale, provenance, LEVEL, training, facts)
    config = replace(config, name=name, phq=phq)
    write_config(folder, config)
    return config


def check_output_folder(out: Path, overwrite: bool) -> None:
    """Check that a bundle may be written into a folder.

    Args:
        out: The bundle's folder, which need not exist.
        overwrite: Whether a bundle that lies there may be replaced.

    Raises:
        FerPhqError: The folder holds anything else, or cannot be read.
    """
    try:
        free = not out.exists() or (out.is_dir() and not any(out.iterdir()))
    except OSError as error:
        raise FerPhqError(messages.FOLDER_UNREADABLE(out=str(out), strerror=str(error.strerror))) from None
    if free:
        return
    if not out.is_dir():
        raise FerPhqError(messages.OUT_IS_FILE(out=str(out)))
    if not (out / CONFIG).is_file():
        raise FerPhqError(messages.OUT_HOLDS_FILES(out=str(out)))
    if not overwrite:
        raise FerPhqError(messages.OUT_HOLDS_BUNDLE(out=str(out)))


def _set_line(report: SetReport) -> str:
    figures = report.figures
    interval = report.interval
    return (
        f"- {report.name}: {report.model} on {report.sessions} sessions of {report.subjects} people; MAE "
        f"{figures.mae:.2f} against {figures.floor_mae:.2f} of always answering the mean, CCC {figures.ccc:.2f}; the "
        f"{interval.interval_level:.0%} interval covered {interval.interval_coverage:.0%}."
    )


def model_card(result: TrainingResult, config: BundleConfig, base: Bundle) -> str:
    """Write the model card of trained heads.

    Args:
        result: The heads and their report.
        config: The new bundle's configuration, with its heads.
        base: The bundle whose backbone and emotion head were taken over.

    Returns:
        Markdown.
    """
    assert config.phq is not None
    sets = "\n".join(_set_line(report) for report in result.report.sets)
    inputs = [head_input for fit in result.fits for head_input in fit.head.inputs.values()]
    kinds = ", ".join(sorted({head_input.kind or "unnamed" for head_input in inputs}))
    return f"""# {config.name}: a {result.report.scale} head

**Not a diagnosis.** {config.phq.training}

On people whom the head had not seen, in the order in which the heads are asked ([the whole report](report.md)):

{sets}

## What it is

One head a set of modalities (face, voice, words, facial behaviour), over functionals of a whole session, which
`fer_phq/features/functionals.py` names. A session is judged by the first head whose modalities it has, made by the
same software (here: {kinds}), that finds it neither too short nor too unlike those it was trained on; otherwise the
estimate is unavailable, with the reason. The interval is CV+ over folds of people (Barber, Candes, Ramdas &
Tibshirani, 2021), with errors that are scaled, signed and weighed by person: its coverage holds for new people of the
same population, recorded and asked in the same way, and for no others.

The backbone and the emotions are those of `{base.model_id}`, whose card is [{EMOTION_CARD}]({EMOTION_CARD}).

## Limits

- It was judged on the sessions it was made from, by leaving people out. Another clinic, camera, language or age is
  another population: measure it there with `fer-phq evaluate phq` before anyone relies on it.
- The score of a questionnaire is what a person said about two weeks; a session shows some minutes.
- Whoever holds this bundle holds numbers derived from the people it was made from (errors, averages; for support
  vectors rows of functionals): treat it like their data.

Not for decisions about a person, not at work or in schools (EU AI Act, Art. 5(1)(f)), not without consent.
"""
