"""The store's own labelled sessions: recordings joined with questionnaires answered near them, as a manifest."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from db.records import LabelledSessionRecord
from db.store import Store
from fer_phq.core.analysis import usable_features
from fer_phq.core.errors import FerPhqError
from fer_phq.core.phq import Modality, Scale
from fer_phq.features.files import write_features
from fer_phq.words.kinds import MINILM, without_embeddings
from service.models.rescore import settings_of

WITHIN_DAYS = 14.0
"""A PHQ asks about the last two weeks."""
LONGEST_DAYS = 365.0


def write_manifest(
    store: Store, folder: Path, *, face_kind: str, scale: Scale | None = None, within_days: float = WITHIN_DAYS
) -> Path:
    """Write a features file for each labelled session into a folder, with `manifest.csv`; the manifest's path.

    scale: which questionnaires; by default the scale that more sessions have. face_kind: only analyses by a model with
    this backbone. Raises FerPhqError when no session has a questionnaire near it.
    """
    wanted = [scale] if scale else list(Scale)
    found = {one: store.labels.list_sessions(scale=one, within_days=within_days, face_kind=face_kind) for one in wanted}
    chosen = max(wanted, key=lambda one: len(found[one]))
    if not found[chosen]:
        asked = f"{scale} questionnaire" if scale else "questionnaire"
        raise FerPhqError(
            f"No session here has a {asked} answered within {within_days:g} days of it and an analysis by the base "
            "model: enter questionnaires, or analyse the sessions again."
        )
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        items = [f"item_{number}" for number in range(1, chosen.items + 1)]
        writer.writerow(["subject_id", "scale", "score", "features", "recorded_at", *items])
        embedded = _all_embedded(store, found[chosen])
        for labelled in found[chosen]:
            name = f"{labelled.session_id}.npz"
            settings = settings_of(store.analyses.get(analysis_id=labelled.analysis_id).settings)
            features = usable_features(store.analyses.load_session_analysis(analysis_id=labelled.analysis_id), settings)
            if not features.modalities:
                continue
            if features.words is not None and features.words.kind == MINILM and not embedded:
                features = replace(features, words=without_embeddings(features.words))
            write_features(features, folder / name)
            row = [labelled.subject_id, str(chosen), labelled.score, name, labelled.recorded_at.isoformat()]
            writer.writerow([*row, *labelled.items])
    return manifest


def _all_embedded(store: Store, sessions: Sequence[LabelledSessionRecord]) -> bool:
    """Whether the words of all sessions have embeddings: the extra that makes them may have come later."""
    kinds = [store.features.kinds(analysis_id=one.analysis_id).get(Modality.WORDS) for one in sessions]
    return {kind for kind in kinds if kind is not None} == {MINILM}
