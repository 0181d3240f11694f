"""The decoder process: reads one request from standard input, writes responses to standard output, ends.

Started by `fer_phq.video.decoder.process` as `python -m fer_phq.video.decoder.main LIMITS`, perhaps before there is a
request. Nothing heavy is imported here, and the media libraries only once the limits are set. With the request the
process is confined, before the first thread and the first byte of the recording. It ends when its standard input
closes, which is when its parent ends.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from fer_phq.core.encryption.files import use_file_key
from fer_phq.core.errors import RecordingError
from fer_phq.core.messages import Message, to_json
from fer_phq.video import messages
from fer_phq.video.decoder.confinement.limits import (
    LARGE_PIXELS,
    MOST_FILES,
    THREADS_OF_LARGE,
    bound_memory,
    memory_bound,
    set_limits,
)
from fer_phq.video.decoder.protocol import Header, write_response

if TYPE_CHECKING:
    from fer_phq.video.decoder.recording import Recording
    from fer_phq.video.types import Frame

HEARTBEAT_S = 0.5
LOOK_AHEAD_BYTES = 64 << 20
LOOK_AHEAD_RESPONSES = 4


def main() -> None:
    """Serve one request. Every outcome that can be reported is a response; the exit code is then 0."""
    limits = json.loads(sys.argv[1])
    set_limits({"RLIMIT_AS": limits["memory_bytes"], "RLIMIT_CPU": limits["cpu_seconds"], "RLIMIT_CORE": 0})
    is_loaded = _load_libraries()
    line = sys.stdin.buffer.readline()
    if not line:
        return  # whoever started it has gone, or needs it no more
    request = {**json.loads(line), "limits": limits}
    outbox = Outbox(sys.stdout.fileno(), int(request["max_payload"]))
    _answer(request, outbox, is_loaded)
    outbox.finish()


def _answer(request: dict[str, Any], outbox: Outbox, is_loaded: bool) -> None:
    """Confine the process and serve the request; what prevents it is sent as an error."""
    try:
        if not is_loaded:
            raise MemoryError
        if "key" in request:
            use_file_key(bytes.fromhex(request.pop("key")))  # loads its library before that is forbidden
        _confine(request["path"])
        outbox.start()
        threading.Thread(target=_end_with_parent, daemon=True).start()
        _serve(request, outbox)
    except RecordingError as error:
        outbox.send_message("error", error.message)
    except MemoryError:
        message = messages.OVER_MEMORY(file=request["display_name"], gibibytes=memory_bound() / (1 << 30))
        outbox.send_message("error", message)


class Outbox:
    """Sends responses from a thread of its own, so that decoding goes on while the parent is busy, up to a bound."""

    def __init__(self, descriptor: int, payload_bytes: int) -> None:
        """Write to a file descriptor responses of which the largest has `payload_bytes`."""
        capacity = LOOK_AHEAD_BYTES // max(payload_bytes, 1)
        self._queue: queue.Queue[tuple[Header, memoryview | bytes] | None] = queue.Queue(
            min(max(capacity, 1), LOOK_AHEAD_RESPONSES)
        )
        self._descriptor = descriptor
        self._started = time.monotonic()
        self._blocked = 0.0
        self._last_heartbeat = self._started - HEARTBEAT_S  # the first sign of life comes at once
        self._thread = threading.Thread(target=self._write, daemon=True)

    def start(self) -> None:
        """Start to send; after the confinement, which shall hold for the thread, too."""
        if self._thread.ident is None:
            self._thread.start()

    def send(self, header: Header, payload: memoryview | bytes = b"") -> None:
        """Queue a response; wait while the bound is reached.

        Args:
            header: JSON-able values; `decode_seconds`, the seconds of work so far, is added.
            payload: Raw bytes that go with it.
        """
        before = time.monotonic()
        self._queue.put(({**header, "decode_seconds": before - self._started - self._blocked}, payload))
        self._blocked += time.monotonic() - before

    def send_message(self, kind: str, message: Message) -> None:
        """Queue a message for a person.

        Args:
            kind: "error" or "warning".
            message: The message.
        """
        self.send({"kind": kind, "message": to_json(message)})

    def heartbeat(self, kind: str = "heartbeat") -> None:
        """Tell the parent that work goes on; cheap to call often.

        A heartbeat is left out by the parent's reader; any other kind comes to whoever reads.
        """
        now = time.monotonic()
        if now - self._last_heartbeat >= HEARTBEAT_S and self._queue.empty():
            self._last_heartbeat = now
            self.send({"kind": kind})

    def finish(self) -> None:
        """Send what is queued and stop."""
        self.start()
        self._queue.put(None)
        self._thread.join()

    def _write(self) -> None:
        try:
            while (response := self._queue.get()) is not None:
                write_response(self._descriptor, *response)
        except BrokenPipeError:
            os._exit(0)  # the parent has gone, so nobody reads the rest


def _load_libraries() -> bool:
    """Load the media libraries, under the limits, and say whether there is memory enough for them."""
    try:
        from fer_phq.video.decoder import recording, sound  # noqa: F401, Python may write what it compiled
        from fer_phq.video.decoder.confinement import policy  # noqa: F401
        from fer_phq.video.decoder.pictures import frames  # noqa: F401
    except MemoryError:
        return False
    return True


def _confine(path: str) -> None:
    """Keep from now on only what reading one file takes."""
    from fer_phq.video.decoder.confinement import policy

    set_limits({"RLIMIT_FSIZE": 0, "RLIMIT_NOFILE": MOST_FILES})
    bound_memory(pixels=0)
    policy.confine(path)


def _serve(request: dict[str, Any], outbox: Outbox) -> None:
    if request["command"] == "confinement":
        _send_confinement(request, outbox)
    elif request["command"] == "sound":
        _send_sound(request, outbox)
    elif request["command"] == "sound_tracks":
        _send_sound_tracks(request, outbox)
    else:
        _send_pictures(request, outbox)
    outbox.send({"kind": "done"})


def _send_confinement(request: dict[str, Any], outbox: Outbox) -> None:
    from fer_phq.video.decoder.confinement.attempts import attempts

    is_bounded = 0 < memory_bound() <= request["limits"]["memory_bytes"]
    outbox.send({"kind": "info", **attempts(request["path"], request["outside"]), "memory": is_bounded})


def _send_pictures(request: dict[str, Any], outbox: Outbox) -> None:
    from fer_phq.video.decoder.pictures.frames import frame_at
    from fer_phq.video.decoder.recording import open_recording, summarize

    command = request["command"]
    with_facts = command == "probe" or request.get("with_facts", False)
    is_sampled = command == "sample" and not request["key_frames"]
    recording = open_recording(
        request["path"],
        display_name=request["display_name"],
        max_side=int(request.get("max_side", 1)),
        threads=request["limits"]["threads"] or min(4, max(1, (os.cpu_count() or 1) // 2)),
        heartbeat=outbox.heartbeat,
        with_index=with_facts or is_sampled,
        with_coded=is_sampled,
    )
    pixels = recording.info.width * recording.info.height
    if pixels > LARGE_PIXELS:
        bound_memory(pixels)
        recording.threads = min(recording.threads, THREADS_OF_LARGE)
    if with_facts:
        outbox.send({"kind": "info", **summarize(recording)})
    if command == "frame":
        frame = frame_at(recording, float(request["time_s"]))
        if frame is None:
            raise RecordingError(messages.NO_PICTURE_DECODED(file=recording.display_name))
        _send_frame(outbox, frame)
    elif command == "sample":
        _send_samples(request, recording, outbox)


def _send_samples(request: dict[str, Any], recording: Recording, outbox: Outbox) -> None:
    from fer_phq.video.decoder.pictures.frames import key_frames, sample
    from fer_phq.video.decoder.recording import StandstillDetector, damage_warnings

    frames = key_frames(recording) if request["key_frames"] else sample(recording, float(request["fps"]))
    standstills = StandstillDetector(None if request["key_frames"] else recording)
    count = 0
    for frame in frames:
        standstills.add(frame)
        _send_frame(outbox, frame)
        count += 1
    if count == 0:
        raise RecordingError(messages.NO_PICTURE_DECODED(file=recording.display_name))
    for warning in [*standstills.warnings(), *damage_warnings(recording)]:
        outbox.send_message("warning", warning)


def _send_sound(request: dict[str, Any], outbox: Outbox) -> None:
    from fer_phq.core.analysis import SoundChoice
    from fer_phq.video.decoder.sound import damage_warnings, open_sound, read_sound_blocks

    choice = SoundChoice(request["track"], request["channel"])
    sound = open_sound(request["path"], request["display_name"], lambda: outbox.heartbeat("survey"), choice)
    for track in sound.tracks:
        track.heartbeat = outbox.heartbeat
    for block in read_sound_blocks(sound, int(request["block_samples"])):
        header = {"kind": "sound", "duration_s": sound.header_end_s}
        if isinstance(block, int):
            outbox.send({**header, "silent_samples": block})
        else:
            outbox.send(header, block.data)
    for warning in [*sound.notes, *damage_warnings(sound)]:
        outbox.send_message("warning", warning)


def _send_sound_tracks(request: dict[str, Any], outbox: Outbox) -> None:
    from fer_phq.video.decoder.container import open_container, sound_tracks

    with open_container(request["path"], request["display_name"], "sound") as container:
        outbox.send({"kind": "info", "sound_tracks": [vars(track) for track in sound_tracks(container)]})


def _send_frame(outbox: Outbox, frame: Frame) -> None:
    height, width, _ = frame.rgb.shape
    header = {"kind": "frame", "time_s": frame.time_s, "scale": frame.scale, "height": height, "width": width}
    outbox.send(header, frame.rgb.data)


def _end_with_parent() -> None:
    """Wait for standard input to close: then the parent is gone, and this process has nothing left to do."""
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
