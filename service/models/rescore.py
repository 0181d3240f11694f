"""Stored analyses scored again by another model's PHQ heads, from what was stored: no recording is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from db.records import NotFoundError
from db.store import Store
from fer_phq.core.analysis import Sampling, Settings
from fer_phq.core.errors import ModelError
from fer_phq.features.measures import versioned_measures

if TYPE_CHECKING:
    from fer_phq.models.model import FerPhqModel


@dataclass(frozen=True)
class Rescored:
    """analyses: how many new ones there are; unknown: sessions whose embeddings' maker was not kept."""

    analyses: int
    unknown: int


def rescore(
    store: Store,
    model: FerPhqModel,
    *,
    subject_id: str | None = None,
    on_progress: Callable[[int, int], None] = lambda done, of: None,
) -> Rescored:
    """Give every session whose newest embeddings are of this model's backbone an analysis by this model.

    Earlier analyses stay as they are. One session at a time is written whole, so it can be broken off and repeated.
    Raises ModelError for a model without heads.
    """
    from fer_phq.pipeline.session import with_estimate

    if model.bundle.config.phq is None:
        raise ModelError(f"{model.model_id} has no PHQ head to score with: choose another model.")
    written = 0
    wanted = store.labels.list_rescorable(face_kind=model.face_kind, model_id=model.model_id, subject_id=subject_id)
    for done, analysis_id in enumerate(wanted):
        on_progress(done, len(wanted))
        try:
            summary = store.analyses.get(analysis_id=analysis_id)
            settings = settings_of(summary.settings)
            analysis = with_estimate(store.analyses.load_session_analysis(analysis_id=analysis_id), model, settings)
            found = versioned_measures(analysis, settings)
            store.analyses.save(session_id=summary.session_id, analysis=analysis, settings=settings, measures=found)
        except NotFoundError:
            continue  # erased meanwhile
        written += 1
    on_progress(len(wanted), len(wanted))
    return Rescored(written, store.labels.count_unknown_kind(subject_id=subject_id))


def settings_of(stored: Any) -> Settings:
    """The settings that an analysis was stored with."""
    fields = dict(stored)
    return Settings(**(fields | {"sampling": Sampling(**fields["sampling"])}))
