"""A recording is sent in pieces (tus 1.0), and goes on where the connection was cut."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from fer_phq_client.answers import NewSession, Upload
from fer_phq_client.connection import Connection
from fer_phq_client.errors import IncompleteError, ProblemError

PIECE_BYTES = 8 << 20
"""Bytes of a piece: this much is in memory at once."""
MOST_CUTS = 5
"""How often in a row the connection may be cut before the upload is given up."""
MOST_WAITS = 225
"""How often in a row the server may be busy with the upload: with the pauses, about an hour."""
LONGEST_WAIT = 4
"""The pause between two of them grows that often, to 16 seconds."""
VERSION = {"Tus-Resumable": "1.0.0"}
CONFLICT = 409
LOCKED = 423
"""The statuses of a piece that begins elsewhere, and of one while the server is busy with another."""
T = TypeVar("T")


def send_recording(connection: Connection, path: Path, facts: Mapping[str, str]) -> NewSession:
    """Send a recording and return the session that it became.

    Args:
        connection: The connection to the server.
        path: The recording's file.
        facts: What `Upload-Metadata` says: `subject_id`, `recorded_at`, `consent_by` and others.

    Raises:
        ProblemError: The server refuses the recording, or what is said of it.
        IncompleteError: The connection was cut too often, or the server was busy with the upload for too long.
        ValueError: The file became shorter while it was sent.
    """
    size = path.stat().st_size
    pairs = [f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in facts.items()]
    headers = {"Upload-Length": str(size), "Upload-Metadata": ",".join(pairs), "Idempotency-Key": str(uuid.uuid4())}
    patience = _Patience(connection)
    answer = patience.ask(lambda: connection.send("POST", "/v1/uploads", headers={**VERSION, **headers}))
    upload = cast(Upload, answer.json())
    address = f"/v1/uploads/{upload['id']}"
    with path.open("rb") as recording:
        pieces = _Pieces(connection, address, recording, size)
        while not patience.ask(pieces.send_next):
            pass
    upload = cast(Upload, patience.ask(lambda: connection.get(address)).json())
    if upload["session"] is None:
        raise IncompleteError(f"The upload has {upload['offset']} of {size} bytes and became no session.")
    return upload["session"]


class _Patience:
    """Asks again where the connection was cut, or the server is busy with the upload."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ask(self, question: Callable[[], T]) -> T:
        """Return the answer to a question that can be asked again. Raises what `send_recording` does."""
        cuts = 0
        waits = 0
        while True:
            try:
                return question()
            except (IncompleteError, ProblemError) as error:
                is_busy = isinstance(error, ProblemError) and error.status == LOCKED
                if isinstance(error, ProblemError) and error.status not in (CONFLICT, LOCKED):
                    raise
                cuts += not is_busy
                waits += is_busy
                if cuts > MOST_CUTS or waits > MOST_WAITS:
                    raise IncompleteError(
                        f"The upload was cut {cuts} times and waited {waits} times: {error}"
                    ) from error
                self._connection.pause(min(waits, LONGEST_WAIT) if is_busy else cuts)


class _Pieces:
    """The pieces of a recording, sent one after another."""

    def __init__(self, connection: Connection, address: str, recording: BinaryIO, size: int) -> None:
        self._connection = connection
        self._address = address
        self._recording = recording
        self._size = size
        self._offset: int | None = 0
        """How many bytes the server has; None where it has to be asked."""

    def send_next(self) -> bool:
        """Send the next piece, and return whether the recording became a session.

        Where the server has everything and the session was not heard of, an empty piece at the end asks for it.
        """
        offset = self._offset
        self._offset = None
        if offset is None:
            state = self._connection.send("HEAD", self._address, headers=VERSION).headers
            if "upload-session-id" in state:
                return True
            offset = int(state["upload-offset"])
        self._recording.seek(offset)
        piece = self._recording.read(PIECE_BYTES) if offset < self._size else b""
        if not piece and offset < self._size:
            raise ValueError(f"The file ends at byte {offset} of {self._size}: it became shorter while it was sent.")
        headers = {**VERSION, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        answer = self._connection.send("PATCH", self._address, content=piece, headers=headers)
        self._offset = int(answer.headers["upload-offset"])
        return "upload-session-id" in answer.headers or self._offset >= self._size
