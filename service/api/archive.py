"""The answer with everything that is stored of a person."""

from __future__ import annotations

import anyio.to_thread
from starlette.responses import StreamingResponse

from db.store import Store
from service.lifecycle.person.archive import begin_archive, stream_archive
from service.settings import AppSettings


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
    headers = {
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'attachment; filename="{name}.zip"',
    }
    return StreamingResponse(
        stream_archive(settings, store, subject, name), media_type="application/zip", headers=headers
    )
