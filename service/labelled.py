"""The store's own labelled sessions: recordings joined with questionnaires answered near them, as a manifest."""

from __future__ import annotations

import csv
from pathlib import Path

from db.store import Store
from fer_phq.errors import FerPhqError
from fer_phq.features import write_features
from fer_phq.phq import Scale

WITHIN_DAYS = 14.0
"""A PHQ asks about the last two weeks."""


def write_manifest(
    store: Store, folder: Path, *, face_kind: str, scale: Scale | None = None, within_days: float = WITHIN_DAYS
) -> Path:
    """Write a features file for each labelled session into a folder, with `manifest.csv`; the manifest's path.

    scale: which questionnaires; by default the scale that more sessions have. face_kind: only analyses by a model with
    this backbone. Raises FerPhqError when no session has a questionnaire near it.
    """
    wanted = [scale] if scale else list(Scale)
    found = {one: store.labelled_sessions(scale=one, within_days=within_days, face_kind=face_kind) for one in wanted}
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
        writer.writerow(["subject_id", "scale", "score", "features", "recorded_at"])
        for labelled in found[chosen]:
            name = f"{labelled.session_id}.npz"
            write_features(store.load_features(analysis_id=labelled.analysis_id), folder / name)
            row = [labelled.subject_id, str(chosen), labelled.score, name, labelled.recorded_at.isoformat()]
            writer.writerow(row)
    return manifest
