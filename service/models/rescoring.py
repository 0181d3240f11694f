"""Stored analyses scored again by another model's PHQ heads, from what was stored: no recording is needed.

`rescore` does it; `start`, `status` and `cancel` let the dashboard run it as a process of its own, `fer-phq reanalyse`,
whose state and log lie in `<data>/scoring`. One runs at a time. Earlier analyses stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.records import NotFoundError
from db.store import Store
from fer_phq.core.analysis import Settings
from fer_phq.core.errors import ModelError
from fer_phq.features.measures import versioned_measures
from service.models import messages
from service.models.active_model import active_bundle
from service.models.task import Task, TaskRunner
from service.settings import AppSettings

if TYPE_CHECKING:
    from fer_phq.models.model import FerPhqModel


@dataclass(frozen=True)
class RescoringResult:
    """What scoring again came to.

    Attributes:
        analyses: Number of new analyses.
        unknown: Number of sessions that cannot be scored, as it is not known which backbone their embeddings are of.
    """

    analyses: int
    unknown: int


def rescore(
    store: Store,
    model: FerPhqModel,
    *,
    subject_id: str | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> RescoringResult:
    """Give every session whose newest embeddings are of a model's backbone an analysis by this model.

    Earlier analyses stay as they are. One session at a time is written whole, so the work can be broken off and
    repeated.

    Args:
        store: The open store.
        model: A model with PHQ heads.
        subject_id: Whose sessions are scored; None scores everybody's.
        on_progress: Receives how many sessions are done, and of how many.

    Raises:
        ModelError: The model has no heads.
    """
    from fer_phq.pipeline.session import with_estimate

    if model.bundle.config.phq is None:
        raise ModelError(messages.NO_HEAD_TO_SCORE_WITH(model_id=model.model_id))
    written = 0
    waiting = store.labels.list_rescorable(face_kind=model.face_kind, model_id=model.model_id, subject_id=subject_id)
    for done, analysis_id in enumerate(waiting):
        on_progress(done, len(waiting))
        try:
            summary = store.analyses.get(analysis_id=analysis_id)
            settings = Settings.from_dict(summary.settings)
            analysis = with_estimate(store.analyses.load_session_analysis(analysis_id=analysis_id), model, settings)
            measures = versioned_measures(analysis, settings)
            store.analyses.save(
                session_id=summary.session_id,
                analysis=analysis,
                settings=settings,
                measures=measures,
                choice_at=summary.choice_at,
            )
        except NotFoundError:
            continue  # erased meanwhile
        written += 1
    on_progress(len(waiting), len(waiting))
    return RescoringResult(written, store.labels.count_unknown_kind(subject_id=subject_id))


def count_waiting(settings: AppSettings, store: Store) -> int:
    """Count the stored sessions that the active model's heads can score and have not.

    Args:
        settings: The installation's settings.
        store: The open store.

    Raises:
        ModelError: There is no usable active model.
    """
    bundle = active_bundle(settings, store)
    if bundle.config.phq is None:
        return 0
    return len(store.labels.list_rescorable(face_kind=bundle.face_kind, model_id=bundle.model_id))


def start(settings: AppSettings) -> None:
    """Start scoring the stored sessions with the active model.

    Args:
        settings: The installation's settings.

    Raises:
        ModelError: There is no usable active model.
        FerPhqError: A scoring runs already.
    """
    bundle = active_bundle(settings)
    _runner(settings).start(bundle.model_id, ["reanalyse", "--model", str(bundle.path.absolute())])


def status(settings: AppSettings) -> Task | None:
    """Return the scoring that runs or ran last, whose name is the model's id; None when there was none."""
    return _runner(settings).status()


def cancel(settings: AppSettings) -> None:
    """Stop the scoring; what it has scored stays.

    Args:
        settings: The installation's settings.

    Raises:
        FerPhqError: It does not stop.
    """
    _runner(settings).cancel()


def _runner(settings: AppSettings) -> TaskRunner:
    return TaskRunner(settings, "scoring")
