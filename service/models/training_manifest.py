"""The store's own labelled sessions as a manifest: recordings joined with questionnaires answered near them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from db.records import LabelledSessionRecord
from db.store import Store
from fer_phq.behaviour.seconds.series import to_seconds
from fer_phq.core.analysis import Settings, usable_features
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import SessionFeatures
from fer_phq.core.phq import Modality, Scale
from fer_phq.features.files import write_features
from fer_phq.voice.kinds import EARLIER_KIND
from fer_phq.words.kinds import MINILM, without_embeddings
from service.models import messages

WITHIN_DAYS = 14.0
"""A PHQ asks about the last two weeks."""
LONGEST_DAYS = 365.0


def write_manifest(
    store: Store, folder: Path, *, face_kind: str, scale: Scale | None = None, within_days: float = WITHIN_DAYS
) -> Path:
    """Write a features file for each labelled session into a folder, with `manifest.csv`.

    Args:
        store: The open store.
        folder: An existing folder.
        face_kind: The backbone; only analyses by models with it are used.
        scale: Which questionnaires; None takes the scale that more sessions have.
        within_days: The most days between a recording and its questionnaire.

    Returns:
        The manifest's path.

    Raises:
        FerPhqError: No session has a questionnaire near it.
    """
    scales = [scale] if scale else list(Scale)
    sessions = {
        candidate: store.labels.list_sessions(scale=candidate, within_days=within_days, face_kind=face_kind)
        for candidate in scales
    }
    most_frequent = max(scales, key=lambda candidate: len(sessions[candidate]))
    labelled = sessions[most_frequent]
    if not labelled:
        questionnaire = messages.SCALE_QUESTIONNAIRE(scale=str(scale)) if scale else messages.QUESTIONNAIRE()
        raise FerPhqError(messages.NO_LABELLED_SESSION(asked=questionnaire, within_days=float(within_days)))
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        items = [f"item_{number}" for number in range(1, most_frequent.items + 1)]
        writer.writerow(["subject_id", "scale", "score", "features", "recorded_at", *items])
        with_embeddings = _all_embedded(store, labelled)
        for session in labelled:
            features = _load_features(store, session, with_embeddings)
            if not features.modalities:
                continue
            name = f"{session.session_id}.npz"
            write_features(features, folder / name)
            row = [session.subject_id, str(most_frequent), session.score, name, session.recorded_at.isoformat()]
            writer.writerow([*row, *session.items])
    return manifest


def _load_features(store: Store, session: LabelledSessionRecord, with_embeddings: bool) -> SessionFeatures:
    """Load the features of a session's analysis.

    Words come without embeddings unless all sessions have them; a voice that an earlier version measured is left out.
    """
    settings = Settings.from_dict(store.analyses.get(analysis_id=session.analysis_id).settings)
    analysis = store.analyses.load_session_analysis(analysis_id=session.analysis_id)
    features = to_seconds(usable_features(analysis, settings))
    if features.voice is not None and features.voice.kind == EARLIER_KIND:
        features = replace(features, voice=None)
    if features.words is not None and features.words.kind == MINILM and not with_embeddings:
        return replace(features, words=without_embeddings(features.words))
    return features


def _all_embedded(store: Store, sessions: Sequence[LabelledSessionRecord]) -> bool:
    """Tell whether the words of all sessions have embeddings: the package that makes them may have come later."""
    kinds = [store.features.kinds(analysis_id=session.analysis_id).get(Modality.WORDS) for session in sessions]
    return {kind for kind in kinds if kind is not None} == {MINILM}
