"""A trained PHQ head as a checkpoint bundle: the base bundle's backbone, the new heads, their report and card."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from fer_phq.core.errors import FerPhqError
from fer_phq.core.phq import Provenance
from fer_phq.models.checkpoint import CONFIG, WEIGHTS, Bundle, BundleConfig, PhqConfig, write_config
from fer_phq.models.phq_head import save_heads
from training.phq.models.intervals import LEVEL
from training.phq.report import PhqReport, write_report

EMOTION_CARD = "EMOTION_MODEL_CARD.md"
COMPANIONS = ("recipe.yaml", "metrics.json", "robustness.json", "robustness.md")
"""What a base bundle has beside its weights that speaks of the emotion model alone."""


def write_phq_bundle(
    report: PhqReport, base: Bundle, out: Path, provenance: Provenance, training: str, replace_old: bool = False
) -> None:
    """Write the bundle, whole or not at all. Raises FerPhqError when `out` is not empty or cannot be written."""
    refuse_filled(out, replace_old)
    try:
        with beside(out) as folder:
            shutil.copyfile(base.path / WEIGHTS[0], folder / WEIGHTS[0])
            for name in COMPANIONS:
                if (base.path / name).is_file():
                    shutil.copyfile(base.path / name, folder / name)
            (folder / EMOTION_CARD).write_text(_emotion_card(base), encoding="utf-8")
            config = put_heads(report, base.config, folder, provenance, training, name=out.resolve().name)
            write_report(report, folder)
            (folder / "MODEL_CARD.md").write_text(card_of(report, config, base), encoding="utf-8")
    except OSError as error:
        raise FerPhqError(f"The bundle {out} cannot be written: {error.strerror}.") from None


def _emotion_card(base: Bundle) -> str:
    """What is known of the emotion model: of a base that is a trained head itself, the card that it was given."""
    given = base.path / EMOTION_CARD
    return given.read_text(encoding="utf-8") if given.is_file() else base.card


def put_heads(
    report: PhqReport, config: BundleConfig, folder: Path, provenance: Provenance, training: str, name: str
) -> BundleConfig:
    """Write the report's heads and the configuration with them into a bundle's folder; the configuration."""
    facts = save_heads([one.fit.head for one in report.sets], folder / WEIGHTS[1])
    phq = PhqConfig(report.scale, provenance, LEVEL, training, facts)
    config = replace(config, name=name, phq=phq)
    write_config(folder, config)
    return config


def refuse_filled(out: Path, replace_old: bool) -> None:
    """Raise FerPhqError for a folder that holds anything, unless it is a bundle and may be replaced."""
    try:
        free = not out.exists() or (out.is_dir() and not any(out.iterdir()))
    except OSError as error:
        raise FerPhqError(f"The folder {out} cannot be read: {error.strerror}.") from None
    if free:
        return
    if not out.is_dir():
        raise FerPhqError(f"{out} is a file: name a folder for the bundle.")
    if not (out / CONFIG).is_file():
        raise FerPhqError(f"The folder {out} holds other files: name a new one for the bundle.")
    if not replace_old:
        raise FerPhqError(f"{out} holds a bundle already: name another folder, or replace it with --force.")


@contextmanager
def beside(out: Path) -> Iterator[Path]:
    """A folder that takes the place of `out` in the end, or vanishes."""
    out.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        yield part
        part.chmod(0o755)
        if out.exists():
            old = part.with_name(f"{part.name}.old")
            out.rename(old)
            try:
                os.replace(part, out)
            except OSError:
                old.rename(out)
                raise
            shutil.rmtree(old)
        else:
            os.replace(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def card_of(report: PhqReport, config: BundleConfig, base: Bundle) -> str:
    """The model card of a trained head."""
    assert config.phq is not None
    sets = "\n".join(
        f"- {one.name}: {one.fit.head.model} on {len(one.fit.data.table)} sessions of "
        f"{one.fit.data.table.subject_count} people; MAE {one.chosen.figures.mae:.2f} against "
        f"{one.chosen.figures.floor_mae:.2f} of always answering the mean, CCC {one.chosen.figures.ccc:.2f}; the "
        f"{one.fit.interval.interval_level:.0%} interval covered {one.fit.interval.interval_coverage:.0%}."
        for one in report.sets
    )
    kinds = ", ".join(
        sorted({taken.kind or "unnamed" for one in report.sets for taken in one.fit.head.inputs.values()})
    )
    return f"""# {config.name}: a {report.scale} head

**Not a diagnosis.** {config.phq.training}

On people whom the head had not seen, in the order in which the heads are asked ([the whole report](report.md)):

{sets}

## What it is

One head a set of modalities (face, voice, words), over functionals of a whole session, which
`fer_phq/features/functionals.py` names. A session is judged by the first head whose modalities it has, made by the
same software (here: {kinds}), that finds it neither too short nor too unlike those it was trained on; otherwise the
estimate is unavailable, with the reason. The interval is CV+ over folds of people (Barber, Candes, Ramdas &
Tibshirani, 2021): its coverage holds for new people of the same population, recorded and asked in the same way, and
for no others.

The backbone and the emotions are those of `{base.model_id}`, whose card is [{EMOTION_CARD}]({EMOTION_CARD}).

## Limits

- It was judged on the sessions it was made from, by leaving people out. Another clinic, camera, language or age is
  another population: measure it there with `fer-phq evaluate phq` before anyone relies on it.
- The score of a questionnaire is what a person said about two weeks; a session shows some minutes.
- Whoever holds this bundle holds numbers derived from the people it was made from (errors, averages; for support
  vectors rows of functionals): treat it like their data.

Not for decisions about a person, not at work or in schools (EU AI Act, Art. 5(1)(f)), not without consent.
"""
