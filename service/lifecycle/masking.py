"""Export of a session's recording with faces covered and voices changed (`fer_phq.masking`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from db.store import Store
from fer_phq.core.errors import FerPhqError, RecordingError
from fer_phq.masking.export import MaskReport, mask_recording
from fer_phq.masking.options import DEFAULT, MaskOptions
from service.ingest.media import MediaStore
from service.lifecycle import messages
from service.lifecycle.consent import ConsentError
from service.settings import AppSettings

CHECK_S = 2.0
"""Seconds between two looks whether the session is still there and its consent stands."""


def mask_session(
    settings: AppSettings,
    store: Store,
    session_id: str,
    out: Path,
    options: MaskOptions = DEFAULT,
    *,
    force: bool = False,
    on_progress: Callable[[float], None] = lambda share: None,
) -> MaskReport:
    """Write a session's recording, masked, into a file; it is an entry of the audit, made before it begins.

    Who does not see the session's recording gets the answer of a session without one. Work stops where the session is
    erased, its recording removed or its consent withdrawn meanwhile, and nothing is left of it.

    Args:
        settings: The installation.
        store: Where the session is.
        session_id: The session.
        out: The file to make.
        options: What is left of the recording.
        force: Whether to replace a file that is there.
        on_progress: Receives the share of the work that is done, 0 to 1.

    Raises:
        NotFoundError: There is no such session.
        ForbiddenError: The actor reads only.
        ConsentError: It has no consent.
        RecordingError: Its recording is not there, or no more, or cannot be read.
        MaskError: The file is there already, or cannot be written.
    """
    check_handing_on(store, session_id)
    session = store.sessions.get(session_id=session_id)
    path = None if session.media_path is None else MediaStore(settings).path_of(session.media_path)
    if path is None or not path.is_file():
        raise RecordingError(messages.NO_RECORDING())
    next_check = time.monotonic() + CHECK_S

    def report(share: float) -> None:
        nonlocal next_check
        if time.monotonic() >= next_check:
            _check_still(store, session_id)
            next_check = time.monotonic() + CHECK_S
        on_progress(share)

    name = session.original_name
    store.sessions.note_export(session_id=session_id, detail="masked")
    outcome = mask_recording(path, out, options, force=force, display_name=name, on_progress=report)
    try:
        _check_still(store, session_id)
    except FerPhqError:
        out.unlink(missing_ok=True)
        raise
    return outcome


def check_handing_on(store: Store, session_id: str) -> None:
    """Check that a session's recording may be handed on. Demonstrations are of nobody, and always may.

    Args:
        store: Where the session is.
        session_id: The session.

    Raises:
        NotFoundError: There is no such session.
        ConsentError: It has no consent.
    """
    session = store.sessions.get(session_id=session_id)
    if session.consent is not None or session.is_demo:
        return
    is_withdrawn = store.sessions.is_withdrawn(session_id=session_id)
    raise ConsentError(messages.MASK_WITHDRAWN() if is_withdrawn else messages.MASK_NO_CONSENT())


def _check_still(store: Store, session_id: str) -> None:
    """Check that a session whose recording is being masked is there, with its recording and its consent."""
    check_handing_on(store, session_id)
    if store.sessions.get(session_id=session_id).media_path is None:
        raise RecordingError(messages.NO_RECORDING())
