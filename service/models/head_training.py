"""Training PHQ heads from the store's own sessions, started from the dashboard: `fer-phq train phq --from-store`.

It runs as a process of its own, one at a time; its state and log lie in `<data>/training`. The new bundle lies among
the models when it is whole; nothing makes it active but a person.
"""

from __future__ import annotations

import glob
import json
from dataclasses import dataclass
from pathlib import Path

from db.store import Store
from fer_phq.core.errors import SettingsError
from fer_phq.core.phq import Scale
from fer_phq.models.checkpoint import CONFIG, SHIPPED
from service.models.active_model import active_bundle, own_bundle_folder
from service.models.task import Background, Task, TaskState
from service.models.training_manifest import LONGEST_DAYS, WITHIN_DAYS
from service.settings import AppSettings

FEWEST_SESSIONS = 10
FEWEST_PEOPLE = 5
"""What `training.phq.data.dataset` asks of a set of modalities; it is not imported, as it needs scikit-learn."""
RIDGE_ONLY_BELOW = 20
"""With fewer people `training.phq.selection` tries ridge regression alone."""
LONGEST_NAME = 60


@dataclass(frozen=True)
class Labelled:
    """How many sessions of how many people have a questionnaire of this scale near them."""

    scale: Scale
    sessions: int
    people: int

    @property
    def enough(self) -> bool:
        """Whether a head can be trained at all."""
        return self.sessions >= FEWEST_SESSIONS and self.people >= FEWEST_PEOPLE

    @property
    def ridge_only(self) -> bool:
        """Whether so few people leave no choice between models."""
        return self.people < RIDGE_ONLY_BELOW


@dataclass(frozen=True)
class Step:
    """A model under judgement: folds done of all, its RMSE so far beside that of always answering the mean."""

    modalities: tuple[str, ...]
    model: str
    folds: int
    of: int
    rmse: float
    floor: float


@dataclass(frozen=True)
class HeadTraining(Task):
    """The last training. name: the new bundle's. bundle: its folder, once it is there. steps: in their order."""

    bundle: Path | None
    steps: tuple[Step, ...]


def labelled_count(
    store: Store, settings: AppSettings, scale: Scale | None = None, within_days: float = WITHIN_DAYS
) -> Labelled:
    """What a training would learn from: as `service.models.training_manifest.write_manifest` chooses it.

    Raises ModelError without a usable active model.
    """
    kind = active_bundle(settings, store).face_kind
    counts = []
    for one in [scale] if scale else list(Scale):
        found = store.labels.list_sessions(scale=one, within_days=within_days, face_kind=kind)
        counts.append(Labelled(one, len(found), len({labelled.subject_id for labelled in found})))
    return max(counts, key=lambda count: count.sessions)


def start(
    settings: AppSettings,
    name: str,
    *,
    quick: bool = False,
    scale: Scale | None = None,
    within_days: float = WITHIN_DAYS,
) -> None:
    """Start a training whose bundle will have this name, on the active model's backbone.

    Raises SettingsError for a name or a number of days that cannot be used, ModelError without a usable active model,
    FerPhqError while a training runs.
    """
    out = _new_folder(name)
    if not 0 < within_days <= LONGEST_DAYS:
        raise SettingsError(f"A questionnaire can be up to {LONGEST_DAYS:g} days away, not {within_days:g}.")
    base = active_bundle(settings).path.absolute()
    command = ["train", "phq", "--from-store", "--out", str(out), "--base", str(base)]
    command += ["--within-days", f"{within_days:g}", *(["--scale", str(scale)] if scale else [])]
    command += ["--steps", str(_steps_file(settings)), *(["--quick"] if quick else [])]
    # The bundle is written beside its place under a name with eight letters of chance, then renamed.
    half_written = str(out.parent / glob.escape(f".{name}.")) + "?" * 8
    _background(settings).start(name, command, [half_written])


def status(settings: AppSettings) -> HeadTraining | None:
    """The training that runs or ran last, also after a restart of the dashboard; None when there was none."""
    task = _background(settings).status()
    if task is None:
        return None
    folder = own_bundle_folder(task.name)
    there = task.state is TaskState.DONE and (folder / CONFIG).is_file()
    return HeadTraining(**vars(task), bundle=folder if there else None, steps=_steps(settings, task))


def cancel(settings: AppSettings) -> None:
    """Stop the training, if one runs. Raises FerPhqError when it does not stop."""
    _background(settings).cancel()


def _steps_file(settings: AppSettings) -> Path:
    return settings.data_dir / "training" / "steps.jsonl"


def _steps(settings: AppSettings, task: Task) -> tuple[Step, ...]:
    """What this training has written so far; a line that is half there is not."""
    try:
        path = _steps_file(settings)
        if path.stat().st_mtime < task.started_at.timestamp():
            return ()  # of the training before
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except OSError:
        return ()
    found = (json.loads(line) for line in lines if line.endswith("\n"))
    return tuple(Step(**(one | {"modalities": tuple(one["modalities"])})) for one in found)


def _background(settings: AppSettings) -> Background:
    return Background(settings, "training")


def _new_folder(name: str) -> Path:
    """Where the new bundle will lie. SettingsError for a name that cannot be used, or is taken."""
    folder = own_bundle_folder(name)
    if len(name) > LONGEST_NAME:
        raise SettingsError(f"A model's name can have {LONGEST_NAME} letters at most, this one has {len(name)}.")
    if folder.exists() or name == SHIPPED.name:
        raise SettingsError(f"There is a model named '{name}' already: choose another name.")
    return folder
