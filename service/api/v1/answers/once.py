"""Idempotency keys: a request that creates something and is sent again with its key creates nothing twice.

Of a request a digest is stored, and of its answer the status and the ids of what was made: the answer is written anew
from what is stored under these ids, so no answer outlives the erasure of the person in it.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import anyio.to_thread
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from db.records import IdempotencyRecord
from db.store import Store
from fer_phq.core.errors import StoreError
from service.api import messages
from service.api.v1.answers.conditions import answer_model
from service.api.v1.answers.problems import RequestError

log = logging.getLogger(__name__)
LONGEST_KEY = 255
RETRY_S = 2
"""Seconds after which a request that waits for the first with its key may be tried again."""


@dataclass(frozen=True)
class Creation:
    """What a request made.

    Attributes:
        ids: UUIDs of what it made, by what they are the ids of. They hold no words of a person.
        status: The HTTP status of the answer.
        is_repeated: Whether an earlier request with the same key made it.
    """

    ids: Mapping[str, str]
    status: int = 201
    is_repeated: bool = False


async def create_once(store: Store, request: Request, content: str, create: Callable[[], Creation]) -> Creation:
    """Carry out a request that creates something, unless it was carried out with the same key within a day.

    A request that fails is forgotten, and can be sent again with its key.

    Args:
        store: The store, which acts for whoever asks: the key is theirs.
        request: Its header `Idempotency-Key`; without one it is carried out.
        content: The body, or what stands for it, such as the SHA-256 of an upload; its digest is stored, keyed.
        create: Creates it in one transaction of the store, in a thread.

    Raises:
        RequestError: The key cannot be used, came with another request, or its first request is not over.
        FerPhqError: What `create` raises.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return await anyio.to_thread.run_sync(create)
    if not 1 <= len(key) <= LONGEST_KEY or not all("!" <= letter <= "~" for letter in key):
        raise RequestError(messages.KEY_UNUSABLE(longest=LONGEST_KEY), 422)
    text = "\n".join((request.method, request.url.path, request.url.query, content))
    mark = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
    digest = hashlib.sha256(key.encode()).hexdigest()
    carry_out = functools.partial(_carry_out, store, digest, mark, create)
    return await anyio.to_thread.run_sync(carry_out)


def answer_creation(request: Request, creation: Creation, model: BaseModel, location: str) -> Response:
    """Answer what a request made, in the same way the first time and again.

    Args:
        request: The request.
        creation: What it made.
        model: The answer, written from what is stored now.
        location: The path at which it is read.
    """
    headers = {"Location": location}
    if creation.is_repeated:
        headers["Idempotency-Replayed"] = "true"
    return answer_model(request, model, status=creation.status, headers=headers)


def _carry_out(store: Store, digest: str, mark: str, create: Callable[[], Creation]) -> Creation:
    """Carry out a request whose key is new; tell what it made where it is not. All in one thread, to its end."""
    record = store.idempotency.begin(digest=digest, request=mark)
    if record is not None:
        return _repeat(record, mark)
    try:
        creation = create()
    except BaseException:
        try:
            store.idempotency.forget(digest=digest)
        except StoreError as error:
            log.warning("an idempotency key stays in use: %s", error)
        raise
    store.idempotency.finish(digest=digest, status=creation.status, ids=creation.ids)
    return creation


def _repeat(record: IdempotencyRecord, mark: str) -> Creation:
    if not hmac.compare_digest(record.request, mark):
        raise RequestError(messages.KEY_OF_ANOTHER(), 422)
    if record.status is None:
        raise RequestError(messages.KEY_PENDING(), 409, RETRY_S)
    return Creation(record.ids, record.status, is_repeated=True)
