"""Answers with many files as one ZIP, made while it is sent: everything of a person, and a study."""

from __future__ import annotations

from collections.abc import Iterator

import anyio.to_thread
from starlette.responses import StreamingResponse

from db.store import Store
from service.lifecycle.person.archive import begin_archive, stream_archive
from service.settings import AppSettings
from service.study.export import begin_study, stream_study
from service.study.selection import StudyRequest


async def answer_archive(settings: AppSettings, store: Store, subject_id: str) -> StreamingResponse:
    """Answer with everything that is stored of a subject, as a ZIP that is made while it is sent.

    Args:
        settings: The installation.
        store: Its store, which acts for whoever asks.
        subject_id: The subject.

    Raises:
        FerPhqError: There is no such subject, or the actor may not export it.
    """
    subject = await anyio.to_thread.run_sync(begin_archive, store, subject_id)
    name = f"subject-{subject_id[:8]}"
    return _answer_zip(name, stream_archive(settings, store, subject, name))


async def answer_study(store: Store, request: StudyRequest) -> StreamingResponse:
    """Answer with a study.

    Args:
        store: The store, which acts for whoever asks.
        request: What the study is made of.

    Raises:
        FerPhqError: No session may leave.
    """
    study = await anyio.to_thread.run_sync(begin_study, store, request)
    name = f"study-{study.made_at:%Y-%m-%d}"
    return _answer_zip(name, stream_study(store, study, name))


def _answer_zip(name: str, pieces: Iterator[bytes]) -> StreamingResponse:
    headers = {
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'attachment; filename="{name}.zip"',
    }
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)
