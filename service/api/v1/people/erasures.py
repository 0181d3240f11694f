"""What an erasure removed, as an answer."""

from __future__ import annotations

from starlette.requests import Request

from service.api.v1.answers.problems import Sentences
from service.api.v1.people import schemas
from service.lifecycle.erasure import ErasureCounts


def describe_erasure(sentences: Sentences, request: Request, counts: ErasureCounts) -> schemas.Erasure:
    """Return what was erased, and what the erasure waits for.

    Args:
        sentences: Writes messages.
        request: Its `Accept-Language` chooses.
        counts: How much was erased.
    """
    return schemas.Erasure(
        sessions=counts.sessions,
        analyses=counts.analyses,
        questionnaires=counts.questionnaires,
        files=counts.files,
        heads=list(counts.heads),
        pending=None if counts.pending is None else sentences.note(request, counts.pending),
    )
