"""Faces and emotions of pictures, by the active model, which is loaded once. Nothing is stored.

The networks are loaded with the first prediction: a server that nobody asks for one never loads them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from db.store import Store
from fer_phq.core.errors import ModelError
from fer_phq.core.messages import Message
from fer_phq.pictures import Picture, PictureError, PictureReader, read_pictures
from service.api import messages
from service.api.v1.answers.problems import RequestError
from service.models.active_model import active_model
from service.settings import AppSettings

if TYPE_CHECKING:
    from fer_phq.models.model import FerPhqModel
    from fer_phq.pipeline.image import Face

log = logging.getLogger(__name__)
MOST_REQUESTS = 8
"""Most requests that are received, wait or are computed at the same time."""
RETRY_SECONDS = 5
"""When a request that found no place may try again."""


@dataclass(frozen=True, eq=False)
class PictureFaces:
    """A picture's faces.

    Attributes:
        width: Pixels of the upright picture.
        height: Pixels of the upright picture.
        faces: The surest first.
        notes: What a person should know of how the picture was read.
    """

    width: int
    height: int
    faces: Sequence[Face]
    notes: Sequence[Message]


class Predictor:
    """Computes one request after another; a bounded number may wait."""

    def __init__(self, settings: AppSettings, store: Store) -> None:
        """Take the installation.

        Args:
            settings: The installation.
            store: Its store, which says what model is active.
        """
        self._settings = settings
        self._store = store
        self._slots = threading.BoundedSemaphore(MOST_REQUESTS)
        self._turn = threading.Lock()
        self._threads = anyio.CapacityLimiter(MOST_REQUESTS)
        self._model: tuple[str | None, FerPhqModel] | None = None

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one of the slots, before the request's body is read.

        Raises:
            RequestError: All are held.
        """
        if not self._slots.acquire(blocking=False):
            raise RequestError(messages.BUSY(seconds=RETRY_SECONDS), 503, RETRY_SECONDS)
        try:
            yield
        finally:
            self._slots.release()

    async def predict_aside(self, contents: Sequence[bytes]) -> tuple[str, list[PictureFaces | PictureError]]:
        """Do what `predict` does, in a thread of the predictor's own: who waits there keeps nobody else from one.

        Args:
            contents: The bytes of each picture's file.

        Raises:
            ModelError: The active model cannot be used.
        """
        return await anyio.to_thread.run_sync(self.predict, contents, limiter=self._threads)

    def predict(self, contents: Sequence[bytes]) -> tuple[str, list[PictureFaces | PictureError]]:
        """Read pictures and find their faces and emotions.

        Args:
            contents: The bytes of each picture's file.

        Returns:
            The model's id, and for each picture its faces, or why it cannot be read.

        Raises:
            RequestError: The model cannot be loaded.
            StoreError: The store cannot be read.
        """
        with self._turn:
            return self._analyze_all(read_pictures(contents))

    async def predict_next_aside(
        self, content: bytes, reader: PictureReader
    ) -> tuple[str, PictureFaces | PictureError]:
        """Do what `predict` does for the next picture of a live connection, whose process is started once.

        Args:
            content: The bytes of the picture's file.
            reader: The connection's, which no other uses.

        Raises:
            ModelError: The active model cannot be used.
        """
        return await anyio.to_thread.run_sync(self._predict_next, content, reader, limiter=self._threads)

    def _predict_next(self, content: bytes, reader: PictureReader) -> tuple[str, PictureFaces | PictureError]:
        picture = reader.read(content)  # before its turn: another connection's picture is computed meanwhile
        with self._turn:
            model_id, (outcome,) = self._analyze_all([picture])
        return model_id, outcome

    def _analyze_all(self, pictures: Iterable[Picture | PictureError]) -> tuple[str, list[PictureFaces | PictureError]]:
        model: FerPhqModel | None = None
        results: list[PictureFaces | PictureError] = []
        for picture in pictures:
            if isinstance(picture, PictureError):
                results.append(picture)  # for which no model is loaded
                continue
            model = model or self._load()
            results.append(_analyze(picture, model))
        return self._active_id() if model is None else model.model_id, results

    def _active_id(self) -> str:
        from service.models.active_model import active_bundle

        try:
            return active_bundle(self._settings, self._store).model_id
        except ModelError as error:
            raise RequestError(messages.MODEL_UNUSABLE(), 503) from error

    def _load(self) -> FerPhqModel:
        reference = active_model(self._settings, self._store)
        if self._model is not None and self._model[0] == reference:
            return self._model[1]
        from fer_phq.models.model import load_model
        from service.models.active_model import active_bundle

        try:
            model = load_model(active_bundle(self._settings, self._store).path)
        except ModelError as error:
            log.exception("the active model cannot be loaded")
            raise RequestError(messages.MODEL_UNUSABLE(), 503) from error
        self._model = (reference, model)
        return model


def _analyze(picture: Picture, model: FerPhqModel) -> PictureFaces:
    from fer_phq.pipeline.image import analyze_image

    height, width, _ = picture.rgb.shape
    return PictureFaces(width, height, analyze_image(picture.rgb, model), picture.notes)
