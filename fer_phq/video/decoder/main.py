"""The decoding process: reads one request from standard input, answers on standard output, ends.

Started by `fer_phq.video.decoder.process` as `python -m fer_phq.video.decoder.main`. Nothing heavy is imported here,
and the media libraries only once the limits are set. It ends when its standard input closes, which is when its parent
ends.
"""

from __future__ import annotations

import json
import os
import queue
import resource
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from fer_phq.core.errors import RecordingError
from fer_phq.video.decoder.protocol import Header, write_message

if TYPE_CHECKING:
    from fer_phq.video.decoder.recording import Picture, Recording

BEAT_S = 0.5
LOOK_AHEAD_BYTES = 64 << 20
LOOK_AHEAD_MESSAGES = 16


def main() -> None:
    """Serve one request. Every outcome that can be told is told as a message; the exit code is 0 then."""
    request = json.loads(sys.stdin.buffer.readline())
    outbox = Outbox(sys.stdout.fileno(), int(request["max_payload"]))
    limits = request["limits"]
    _limit({"RLIMIT_AS": limits["memory_bytes"], "RLIMIT_CPU": limits["cpu_seconds"], "RLIMIT_CORE": 0})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _serve(request, outbox)
    except RecordingError as error:
        outbox.send({"kind": "error", "text": str(error)})
    except MemoryError:
        outbox.send({"kind": "error", "text": _memory_sentence(request["shown"], limits["memory_bytes"])})
    outbox.finish()


class Outbox:
    """Sends messages from a thread of its own, so that decoding goes on while the reader is busy, up to a bound."""

    def __init__(self, descriptor: int, message_bytes: int) -> None:
        ahead = LOOK_AHEAD_BYTES // max(message_bytes, 1)
        self._queue: queue.Queue[tuple[Header, memoryview | bytes] | None] = queue.Queue(
            min(max(ahead, 1), LOOK_AHEAD_MESSAGES)
        )
        self._descriptor = descriptor
        self._started = time.monotonic()
        self._blocked = 0.0
        self._last_beat = self._started
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def send(self, header: Header, payload: memoryview | bytes = b"") -> None:
        """Queue a message; waits while the bound is reached. `spent`, seconds of work so far, is added."""
        before = time.monotonic()
        self._queue.put(({**header, "spent": before - self._started - self._blocked}, payload))
        self._blocked += time.monotonic() - before

    def beat(self) -> None:
        """Tell the parent that work goes on; cheap to call often."""
        now = time.monotonic()
        if now - self._last_beat >= BEAT_S and self._queue.empty():
            self._last_beat = now
            self.send({"kind": "beat"})

    def finish(self) -> None:
        """Send what is queued and stop."""
        self._queue.put(None)
        self._thread.join()

    def _write(self) -> None:
        try:
            while (message := self._queue.get()) is not None:
                write_message(self._descriptor, *message)
        except BrokenPipeError:
            os._exit(0)  # the reader has gone, so nobody wants the rest


def _serve(request: dict[str, Any], outbox: Outbox) -> None:
    # The media libraries: only now, under the limits.
    from fer_phq.video.decoder import pictures, recording, sound  # noqa: F401

    _limit({"RLIMIT_FSIZE": 0})  # from here on nothing is written to any file
    if request["command"] == "sound":
        _sound(request, outbox)
    else:
        _pictures(request, outbox)
    outbox.send({"kind": "done"})


def _pictures(request: dict[str, Any], outbox: Outbox) -> None:
    from fer_phq.video.decoder import pictures as decode
    from fer_phq.video.decoder import recording as source

    path = request["path"]
    shown = request["shown"]
    command = request["command"]
    threads = request["limits"]["threads"] or min(4, max(1, (os.cpu_count() or 1) // 2))
    rate = command == "sample" and not request["key_frames"]
    recording = source.open_recording(path, shown, int(request.get("max_side", 1)), threads, outbox.beat, rate)
    if command == "probe":
        outbox.send({"kind": "info", **source.summary(recording)})
    elif command == "frame":
        picture = decode.frame_at(recording, float(request["time_s"]))
        if picture is None:
            raise RecordingError(source.undecodable(shown))
        _send_picture(outbox, picture)
    else:
        _sample(request, recording, outbox)


def _sound(request: dict[str, Any], outbox: Outbox) -> None:
    from fer_phq.video.decoder import sound

    track = sound.Sound(request["path"], request["shown"], outbox.beat)
    for block in sound.blocks(track, int(request["block_samples"])):
        outbox.send({"kind": "sound"}, block.data)
    for warning in sound.damage(track):
        outbox.send({"kind": "warning", "text": warning})


def _sample(request: dict[str, Any], recording: Recording, outbox: Outbox) -> None:
    from fer_phq.video.decoder import pictures as decode
    from fer_phq.video.decoder import recording as source

    def say_decoder(name: str, reason: str) -> None:
        outbox.send({"kind": "decoder", "name": name, "reason": reason})

    if request["key_frames"]:
        pictures = decode.key_frames(recording, say_decoder)
    else:
        pictures = decode.sample(recording, float(request["fps"]), say_decoder)
    standstill = source.Standstill()
    count = 0
    for picture in pictures:
        standstill.see(picture)
        _send_picture(outbox, picture)
        count += 1
    if count == 0:
        raise RecordingError(source.undecodable(request["shown"]))
    for warning in [*standstill.warnings(), *source.damage(recording)]:
        outbox.send({"kind": "warning", "text": warning})


def _send_picture(outbox: Outbox, picture: Picture) -> None:
    height, width, _ = picture.rgb.shape
    header = {"kind": "frame", "time_s": picture.time_s, "scale": picture.scale, "height": height, "width": width}
    outbox.send(header, picture.rgb.data)


def _limit(wanted: dict[str, int]) -> None:
    """Bound what this process may use, by the names of `resource`. Never raises an existing bound."""
    for name, value in wanted.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (bound, hard))
        except (ValueError, OSError):
            continue  # macOS knows no bound on address space; the others still hold


def _end_with_parent() -> None:
    """Wait for standard input to close: then the parent is gone, and so is the reason for this process."""
    while os.read(0, 4096):
        pass
    os._exit(0)


def _memory_sentence(shown: str, memory_bytes: int) -> str:
    return (
        f"Reading '{shown}' needs more than the {memory_bytes / (1 << 30):.3g} GiB of memory allowed: "
        "export it at a lower resolution."
    )


if __name__ == "__main__":
    main()
