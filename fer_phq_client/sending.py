"""A recording is sent in pieces (tus 1.0), and goes on where the connection was cut."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import httpx2

from fer_phq_client.answers import NewSession, Upload
from fer_phq_client.connection import Connection
from fer_phq_client.errors import IncompleteError, ProblemError

PIECE_BYTES = 8 << 20
"""Bytes of a piece: this much is in memory at once."""
MOST_CUTS = 5
"""How often in a row the connection may be cut before the upload is given up."""
VERSION = {"Tus-Resumable": "1.0.0"}
CONFLICT = 409
LOCKED = 423
"""The statuses of a piece that begins elsewhere, and of one while another is received."""


def send_recording(connection: Connection, path: Path, facts: Mapping[str, str]) -> NewSession:
    """Send a recording and return the session that it became.

    Args:
        connection: The connection to the server.
        path: The recording's file.
        facts: What `Upload-Metadata` says: `subject_id`, `recorded_at`, `consent_by` and others.

    Raises:
        ProblemError: The server refuses the recording, or what is said of it.
        IncompleteError: The connection was cut too often.
    """
    size = path.stat().st_size
    pairs = [f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in facts.items()]
    headers = {"Upload-Length": str(size), "Upload-Metadata": ",".join(pairs), "Idempotency-Key": str(uuid.uuid4())}
    upload = cast(Upload, connection.send("POST", "/v1/uploads", headers={**VERSION, **headers}).json())
    place = f"/v1/uploads/{upload['id']}"
    _send_pieces(connection, place, path, size)
    upload = cast(Upload, connection.get(place).json())
    if upload["session"] is None:
        raise IncompleteError(f"The upload has {upload['offset']} of {size} bytes and became no session.")
    return upload["session"]


def _send_pieces(connection: Connection, place: str, path: Path, size: int) -> None:
    """Send what the server has not. Raises what `send_recording` does."""
    offset = 0
    cuts = 0
    with path.open("rb") as recording:
        while offset < size:
            recording.seek(offset)
            headers = {**VERSION, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
            try:
                answer = connection.send("PATCH", place, content=recording.read(PIECE_BYTES), headers=headers)
            except (httpx2.TransportError, IncompleteError, ProblemError) as error:
                if isinstance(error, ProblemError) and error.status not in (CONFLICT, LOCKED):
                    raise
                cuts += 1
                if cuts > MOST_CUTS:
                    raise IncompleteError(f"The upload was cut {cuts} times at byte {offset}: {error}") from error
                connection.pause(cuts)
                answer = connection.send("HEAD", place, headers=VERSION)
            else:
                cuts = 0
            offset = int(answer.headers["upload-offset"])
