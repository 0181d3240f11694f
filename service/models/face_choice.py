"""The subject's faces as a person chose them: a new analysis from stored faces, without decoding and without recording.

`choose_faces` does it with a loaded model; `choose_in_child` lets the dashboard do it without PyTorch, by
`fer-phq choose-faces` in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from db.records import AnalysisSummary
from db.store import Store
from fer_phq.core.analysis import SessionAnalysis, Settings
from fer_phq.core.errors import FerPhqError, ModelError, SettingsError
from fer_phq.features.measures import versioned_measures
from service.lifecycle.consent import check_not_withdrawn
from service.models import error_file, messages
from service.models.active_model import active_bundle
from service.models.task import environment
from service.settings import AppSettings

if TYPE_CHECKING:
    from fer_phq.models.model import FerPhqModel

SECONDS = 180.0
"""Longest time the child may take: seconds when PyTorch is in the file cache, a minute or more on a busy disk."""


def choose_faces(store: Store, analysis_id: str, tracks: Sequence[int], model: FerPhqModel) -> str:
    """Give a session an analysis of exactly these face tracks, by this model, that from now on stands for the session.

    The earlier analysis stays. Its words are those of the new one, and so is its voice, unless the mouth of its faces
    chose it. The same choice again writes nothing anew.

    Args:
        store: The open store.
        analysis_id: An analysis of the session that holds everybody's faces.
        tracks: Ids of the subject's face tracks in it.
        model: Its emotion head and PHQ heads are run; its backbone made the embeddings.

    Returns:
        The id of the choice's analysis.

    Raises:
        NotFoundError: There is no such analysis.
        SettingsError: No track is named, the analysis holds only one person's faces, there is no such track, or two of
            them are in view at the same time.
        ModelError: Another backbone made the embeddings.
        ConsentError: The session's consent was withdrawn.
    """
    from fer_phq.pipeline.session import choose_faces as select_faces

    summary = store.analyses.get(analysis_id=analysis_id)
    check_not_withdrawn(store, summary.session_id)
    settings = settings_of_choice(summary, tracks)
    existing = _find(store, summary, settings, model.model_id)
    if existing is not None:
        store.faces.choose(analysis_id=existing.id)
        return existing.id
    analysis = select_faces(store.analyses.load_session_analysis(analysis_id=analysis_id), model, settings)
    new_id = store.analyses.save(
        session_id=summary.session_id,
        analysis=analysis,
        settings=settings,
        measures=versioned_measures(analysis, settings),
    )
    store.faces.choose(analysis_id=new_id)
    return new_id


def choose_in_child(settings: AppSettings, store: Store, analysis_id: str, tracks: Sequence[int]) -> str:
    """Do what `choose_faces` does, by the active model in a process of its own, where there is no such analysis yet.

    Args:
        settings: The installation's settings.
        store: The open store.
        analysis_id: An analysis of the session that holds everybody's faces.
        tracks: Ids of the subject's face tracks in it.

    Returns:
        The id of the choice's analysis.

    Raises:
        FerPhqError: The choice cannot be made, as with `choose_faces`, or the process took too long or broke down.
    """
    bundle = active_bundle(settings, store)
    summary = store.analyses.get(analysis_id=analysis_id)
    check_not_withdrawn(store, summary.session_id)
    chosen_settings = settings_of_choice(summary, tracks)
    existing = _find(store, summary, chosen_settings, bundle.model_id)
    if existing is None:
        # Refused here, at once, what the child would refuse after it has loaded PyTorch.
        check_choice(store.analyses.load_session_analysis(analysis_id=analysis_id), tracks)
        _run(
            settings, ["choose-faces", analysis_id, "--track", ",".join(map(str, tracks)), "--model", str(bundle.path)]
        )
        existing = _find(store, summary, chosen_settings, bundle.model_id)
    if existing is None:
        raise ModelError(messages.CHOICE_BROKE_DOWN())
    store.faces.choose(analysis_id=existing.id)
    return existing.id


def settings_of_choice(summary: AnalysisSummary, tracks: Sequence[int]) -> Settings:
    """Return the settings of an analysis with exactly these tracks as the subject's.

    Args:
        summary: The analysis.
        tracks: Ids of face tracks.

    Raises:
        SettingsError: No track is named.
    """
    if not tracks:
        raise SettingsError(messages.NO_FACES())
    return replace(Settings.from_dict(summary.settings), track=None, tracks=tuple(tracks))


def check_choice(analysis: SessionAnalysis, tracks: Sequence[int]) -> None:
    """Make sure that these tracks of an analysis can be one person.

    Args:
        analysis: The analysis.
        tracks: Ids of face tracks.

    Raises:
        SettingsError: The analysis holds only one person's faces, there is no such track, or two of them are in view at
            the same time.
    """
    from fer_phq.pipeline.subject import reselect_subject  # brings the detector's runtime

    reselect_subject(analysis, tracks)


def _find(store: Store, summary: AnalysisSummary, settings: Settings, model_id: str) -> AnalysisSummary | None:
    """Find the analysis of a choice, if it was made before."""
    return store.analyses.find(
        session_id=summary.session_id,
        model_id=model_id,
        settings=settings,
        sidecar_digest=summary.sidecar_digest,
    )


def _run(settings: AppSettings, arguments: Sequence[str]) -> None:
    """Run a command of ours and wait for its end. Raises its error."""
    with tempfile.TemporaryDirectory(prefix="fer-phq-choice-") as folder:
        error_path = Path(folder) / "error.json"
        try:
            done = subprocess.run(
                # -P: a folder in which the dashboard happens to be started cannot put its own modules before ours.
                [sys.executable, "-P", "-m", "service.cli", *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env={**environment(settings), error_file.VARIABLE: str(error_path)},
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ModelError(messages.CHOICE_TIMEOUT(seconds=SECONDS)) from None
        if done.returncode:
            raise FerPhqError(error_file.read_error(error_path) or messages.CHOICE_BROKE_DOWN())
