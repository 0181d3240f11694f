"""Training PHQ heads from the store's own sessions, started from the dashboard: `fer-phq train phq --from-store`.

It runs as a process of its own, one at a time; its state and log lie in `<data>/training`. The new bundle lies among
the models when it is whole; nothing makes it active but a person.
"""

from __future__ import annotations

import glob
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

from fer_phq.core.errors import SettingsError
from fer_phq.core.messages import Message
from fer_phq.core.phq import Scale
from fer_phq.models.checkpoint import CONFIG, SHIPPED
from fer_phq.models.head_report import TrainingStep, step_from_json
from service.models import messages
from service.models.active_model import active_bundle, bundle_folder
from service.models.labelled_sessions import LONGEST_DAYS, WITHIN_DAYS
from service.models.task import Task, TaskRunner, TaskState
from service.settings import AppSettings

LONGEST_NAME = 60


PACKAGES = ("sklearn", "mapie", "torch")
"""What training a head imports and only the extra `train` brings."""


@dataclass(frozen=True)
class HeadTraining(Task):
    """A training, whose name is the new bundle's.

    Attributes:
        bundle: The new bundle's folder, once it is there.
        steps: The steps of the training so far, in their order.
    """

    bundle: Path | None
    steps: tuple[TrainingStep, ...]


def missing_packages() -> Message | None:
    """Return what to do where the packages that train are not installed; None where they are."""
    is_installed = all(importlib.util.find_spec(name) for name in PACKAGES)
    return None if is_installed else messages.TRAINING_NOT_INSTALLED()


def start(
    settings: AppSettings,
    name: str,
    *,
    quick: bool = False,
    scale: Scale | None = None,
    within_days: float = WITHIN_DAYS,
) -> None:
    """Start a training on the active model's backbone.

    Args:
        settings: The installation's settings.
        name: The new bundle's name.
        quick: Whether only ridge regression is tried, once.
        scale: Which questionnaires; None takes the scale that more sessions have.
        within_days: The most days between a recording and its questionnaire, above 0.

    Raises:
        SettingsError: The name or the number of days cannot be used, or the packages that train are not installed.
        ModelError: There is no usable active model.
        FerPhqError: A training runs already.
    """
    missing = missing_packages()
    if missing is not None:
        raise SettingsError(missing)
    out = _new_folder(name)
    if not 0 < within_days <= LONGEST_DAYS:
        raise SettingsError(messages.DAYS_RANGE(LONGEST_DAYS=LONGEST_DAYS, within_days=float(within_days)))
    base = active_bundle(settings).path.absolute()
    command = ["train", "phq", "--from-store", "--out", str(out), "--base", str(base)]
    command += ["--within-days", f"{within_days:g}", *(["--scale", str(scale)] if scale else [])]
    command += ["--steps", str(_steps_file(settings)), *(["--quick"] if quick else [])]
    # The bundle is written next to its final folder under a name with eight random letters, then renamed.
    half_written = str(out.parent / glob.escape(f".{name}.")) + "?" * 8
    _runner(settings).start(name, command, [half_written])


def status(settings: AppSettings) -> HeadTraining | None:
    """Return the training that runs or ran last, also after a restart of the dashboard; None when there was none."""
    task = _runner(settings).status()
    if task is None:
        return None
    folder = bundle_folder(task.name)
    is_there = task.state is TaskState.DONE and (folder / CONFIG).is_file()
    return HeadTraining(**vars(task), bundle=folder if is_there else None, steps=_read_steps(settings, task))


def cancel(settings: AppSettings) -> None:
    """Stop the training, if one runs.

    Args:
        settings: The installation's settings.

    Raises:
        FerPhqError: It does not stop.
    """
    _runner(settings).cancel()


def _steps_file(settings: AppSettings) -> Path:
    return settings.data_dir / "training" / "steps.jsonl"


def _read_steps(settings: AppSettings, task: Task) -> tuple[TrainingStep, ...]:
    """Read the steps that this training has written so far; a half-written line is passed over."""
    try:
        path = _steps_file(settings)
        if path.stat().st_mtime < task.started_at.timestamp():
            return ()  # of the training before
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except OSError:
        return ()
    return tuple(step_from_json(json.loads(line)) for line in lines if line.endswith("\n"))


def _runner(settings: AppSettings) -> TaskRunner:
    return TaskRunner(settings, "training")


def _new_folder(name: str) -> Path:
    """Return where the new bundle will lie. Raises SettingsError for a name that cannot be used, or is in use."""
    folder = bundle_folder(name)
    if len(name) > LONGEST_NAME:
        raise SettingsError(messages.LONG_NAME(LONGEST_NAME=LONGEST_NAME, name=len(name)))
    if folder.exists() or name == SHIPPED.name:
        raise SettingsError(messages.NAME_IN_USE(name=name))
    return folder
