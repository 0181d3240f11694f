"""The process that decodes pictures: reads them from standard input, writes pixels to standard output, ends.

Started by `fer_phq.pictures.reader` as `python -m fer_phq.pictures.process_main`. It is limited and confined before the
first byte of a picture is read: no network, no other process, no file but its own libraries, nothing written. It ends
when its standard input closes, which is when its parent ends.
"""

from __future__ import annotations

import struct
import sys

from fer_phq.core.errors import RecordingError
from fer_phq.core.messages import Message, to_json
from fer_phq.video.decoder.confinement.limits import set_limits
from fer_phq.video.decoder.protocol import write_response

MEMORY_BYTES = 1536 << 20
"""Address space in all: the libraries take a third of it, a picture of 40 million pixels most of the rest."""
CPU_SECONDS = 60
"""Processor time of all pictures of a request together."""
LENGTH = struct.Struct(">Q")
"""How a picture's length is written before it."""


def main() -> None:
    """Answer each picture with its pixels or with the reason why there are none."""
    set_limits({"RLIMIT_AS": MEMORY_BYTES, "RLIMIT_CPU": CPU_SECONDS, "RLIMIT_CORE": 0})
    from fer_phq.pictures.decoding import decode_picture
    from fer_phq.video.decoder.confinement import policy

    set_limits({"RLIMIT_FSIZE": 0, "RLIMIT_NOFILE": 64})
    policy.confine(None)
    while head := sys.stdin.buffer.read(LENGTH.size):
        content = sys.stdin.buffer.read(LENGTH.unpack(head)[0])
        try:
            rgb, notes = decode_picture(content)
        except RecordingError as error:
            _send_error(error.message)
        except MemoryError:
            from fer_phq.pictures.messages import TOO_MUCH_MEMORY

            _send_error(TOO_MUCH_MEMORY())
        else:
            width, height = rgb.size
            header = {"kind": "picture", "height": height, "width": width, "notes": [to_json(note) for note in notes]}
            write_response(sys.stdout.fileno(), header, rgb.tobytes())


def _send_error(message: Message) -> None:
    write_response(sys.stdout.fileno(), {"kind": "error", "message": to_json(message)})


if __name__ == "__main__":
    main()
