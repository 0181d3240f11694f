"""`WS /v1/live`: pictures come in as they are taken, and faces with emotions go out. Nothing is stored."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message
from fer_phq.pictures import PictureError, PictureReader
from service.access.guard import LIVE_PATH
from service.api import messages
from service.api.counters import PICTURES
from service.api.v1.answers.problems import Sentences
from service.api.v1.answers.schemas import Problem
from service.api.v1.pictures import schemas
from service.api.v1.pictures.predict import picture_result
from service.api.v1.pictures.predictor import Predictor

log = logging.getLogger(__name__)
MOST_CONNECTIONS = 4
"""Most connections at the same time: the model computes one picture after another."""
MAX_BYTES = 5_000_000
"""Most bytes of a picture."""
IDLE_S = 60.0
"""Longest wait for a picture."""
TOTAL_S = 3600.0
"""Longest time that a connection lasts: whoever comes again is asked anew for login or token."""
MOST_BAD = 20
"""Pictures in a row that cannot be read, after which the connection is closed."""
NORMAL = 1000
REFUSED = 1008
BROKEN = 1011
TRY_LATER = 1013
"""Codes with which a connection is closed (RFC 6455 and its registry); the reason is a message's code."""


class _Newest:
    """The newest picture that has come and was not looked at yet, and how many it replaced."""

    def __init__(self) -> None:
        self.count = 0
        self._picture: bytes | Message | None = None
        self._dropped = 0
        self._arrival = anyio.Event()

    def put(self, picture: bytes | Message) -> None:
        """Replace what was not looked at by a picture, or by why one cannot be looked at."""
        self._dropped += self._picture is not None
        self._picture = picture
        self.count += 1
        self._arrival.set()

    async def take(self) -> tuple[int, bytes | Message, int]:
        """Wait for a picture. Returns its number from 0, the picture, and how many were dropped since the last."""
        while self._picture is None:
            self._arrival = anyio.Event()
            await self._arrival.wait()
        picture, dropped = self._picture, self._dropped
        self._picture = None
        self._dropped = 0
        return self.count - 1, picture, dropped


class _ClosedError(Exception):
    """The connection is to be closed, with this code and reason."""

    def __init__(self, code: int, reason: Message) -> None:
        super().__init__(reason.code)
        self.code = code
        self.reason = reason


def live_routes(predictor: Predictor, sentences: Sentences) -> APIRouter:
    """Return the route.

    Args:
        predictor: Computes.
        sentences: Writes messages.
    """
    live = _Live(predictor, sentences)
    router = APIRouter()
    router.add_api_websocket_route(LIVE_PATH, live.serve)
    return router


class _Live:
    """The connections."""

    def __init__(self, predictor: Predictor, sentences: Sentences) -> None:
        self._predictor = predictor
        self._sentences = sentences
        self._count = 0

    async def serve(self, websocket: WebSocket) -> None:
        """Answer pictures until the client goes, or nothing comes, or only what cannot be read."""
        await websocket.accept()
        try:
            with self._connection_slot():
                await self._converse(websocket)
        except _ClosedError as end:
            await self._close(websocket, end)

    async def _converse(self, websocket: WebSocket) -> None:
        newest = _Newest()
        end: _ClosedError | None = None
        async with anyio.create_task_group() as tasks:

            async def receive() -> None:
                nonlocal end
                try:
                    await self._receive(websocket, newest)
                except _ClosedError as error:
                    end = error
                tasks.cancel_scope.cancel()

            tasks.start_soon(receive)
            try:
                await self._answer(websocket, newest)
            except _ClosedError as error:
                end = error
                tasks.cancel_scope.cancel()
        if end is not None:
            raise end

    async def _receive(self, websocket: WebSocket, newest: _Newest) -> None:
        """Take what comes, however slowly it is answered."""
        end = time.monotonic() + TOTAL_S
        while (left := end - time.monotonic()) > 0:
            try:
                with anyio.fail_after(min(IDLE_S, left)):
                    message = await websocket.receive()
            except TimeoutError:
                reason = messages.LIVE_IDLE(seconds=IDLE_S) if left > IDLE_S else messages.LIVE_OVER()
                raise _ClosedError(NORMAL, reason) from None
            if message["type"] == "websocket.disconnect":
                return
            content = message.get("bytes")
            if content is None:
                newest.put(messages.LIVE_TEXT())
            elif len(content) > MAX_BYTES:
                newest.put(messages.LIVE_TOO_LARGE(limit=MAX_BYTES / 1_000_000))
            else:
                newest.put(content)
        raise _ClosedError(NORMAL, messages.LIVE_OVER())

    async def _answer(self, websocket: WebSocket, newest: _Newest) -> None:
        """Answer the newest picture, again and again."""
        bad = 0
        with PictureReader() as reader:
            while True:
                index, picture, dropped = await newest.take()
                result = await self._result(websocket, reader, index, picture)
                answer = schemas.LiveResult(**dict(result), dropped=dropped)
                try:
                    await websocket.send_text(answer.model_dump_json(exclude_none=True))
                except (WebSocketDisconnect, RuntimeError):
                    return  # the client has gone
                bad = 0 if result.problem is None else bad + 1
                if bad >= MOST_BAD:
                    raise _ClosedError(REFUSED, messages.LIVE_UNREADABLE(n=MOST_BAD))

    async def _result(
        self, websocket: WebSocket, reader: PictureReader, index: int, picture: bytes | Message
    ) -> schemas.PictureResult:
        if isinstance(picture, Message):
            return picture_result(websocket, self._sentences, index, "", PictureError(picture))
        PICTURES.labels("live").inc()
        try:
            model_id, outcome = await self._predictor.predict_next_aside(picture, reader)
        except FerPhqError as error:
            raise _ClosedError(BROKEN, error.message) from error
        return picture_result(websocket, self._sentences, index, model_id, outcome)

    async def _close(self, websocket: WebSocket, end: _ClosedError) -> None:
        """Say why in a last message, and close."""
        if websocket.application_state is not WebSocketState.CONNECTED:
            return
        status = 503 if end.code in (BROKEN, TRY_LATER) else 400
        problem = schemas.LiveEnd(problem=Problem(**self._sentences.problem(websocket, end.reason, status)))
        try:
            await websocket.send_text(problem.model_dump_json())
            await websocket.close(end.code, end.reason.code)
        except (WebSocketDisconnect, RuntimeError):
            log.debug("a live connection has gone before it was closed")

    @contextmanager
    def _connection_slot(self) -> Iterator[None]:
        """Hold one of the connections. Raises _ClosedError where all are held."""
        if self._count >= MOST_CONNECTIONS:
            raise _ClosedError(TRY_LATER, messages.LIVE_FULL(n=MOST_CONNECTIONS))
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1
