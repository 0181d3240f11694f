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
from fer_phq.core.phq import Modality
from fer_phq.features.files import write_features
from fer_phq.words.kinds import MINILM, without_embeddings
from service.models import messages
from service.models.labelled_sessions import UNREAD_KINDS, LabelledSessions


def write_manifest(store: Store, folder: Path, labelled: LabelledSessions) -> Path:
    """Write a features file for each labelled session into a folder, with `manifest.csv`.

    Args:
        store: The open store.
        folder: An existing folder.
        labelled: The sessions.

    Returns:
        The manifest's path.

    Raises:
        FerPhqError: There is no labelled session.
    """
    scale = labelled.scale
    if not labelled.sessions:
        either = messages.QUESTIONNAIRE()
        asked = either if labelled.is_more_frequent else messages.SCALE_QUESTIONNAIRE(scale=str(scale))
        raise FerPhqError(messages.NO_LABELLED_SESSION(asked=asked, within_days=float(labelled.within_days)))
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        items = [f"item_{number}" for number in range(1, scale.items + 1)]
        writer.writerow(["subject_id", "scale", "score", "features", "recorded_at", *items])
        with_embeddings = _all_embedded(store, labelled.sessions)
        for session in labelled.sessions:
            features = _load_features(store, session, with_embeddings)
            if not features.modalities:
                continue
            name = f"{session.session_id}.npz"
            write_features(features, folder / name)
            row = [session.subject_id, str(scale), session.score, name, session.recorded_at.isoformat()]
            writer.writerow([*row, *session.items])
    return manifest


def _load_features(store: Store, session: LabelledSessionRecord, with_embeddings: bool) -> SessionFeatures:
    """Load the features of a session's analysis.

    Words come without embeddings unless all sessions have them; a voice that an earlier version measured is left out.
    """
    settings = Settings.from_dict(store.analyses.get(analysis_id=session.analysis_id).settings)
    analysis = store.analyses.load_session_analysis(analysis_id=session.analysis_id)
    features = to_seconds(usable_features(analysis, settings))
    if features.voice is not None and features.voice.kind in UNREAD_KINDS:
        features = replace(features, voice=None)
    if features.words is not None and features.words.kind == MINILM and not with_embeddings:
        return replace(features, words=without_embeddings(features.words))
    return features


def _all_embedded(store: Store, sessions: Sequence[LabelledSessionRecord]) -> bool:
    """Tell whether the words of all sessions have embeddings: the package that makes them may have come later."""
    kinds = [store.features.kinds(analysis_id=session.analysis_id).get(Modality.WORDS) for session in sessions]
    return {kind for kind in kinds if kind is not None} == {MINILM}
