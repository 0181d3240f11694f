"""What libavcodec alone takes for the pictures that sampling needs: `python libavcodec_alone.py CLIP FPS`.

One thread; nothing is converted, checked, or sent to another process. Packets whose picture no other needs are left
to `skip_frame`; where the groups of pictures are closed, what follows a group's last sampled picture is not decoded.
Prints the number of sampled pictures and the processor seconds of decoding, without start-up and demultiplexing.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import av


def split_groups(packets: list[Any]) -> Iterator[list[Any]]:
    """Yield the packets in their groups, each of which begins with a key frame."""
    group: list[Any] = []
    for packet in packets:
        if packet.is_keyframe and group:
            yield group
            group = []
        group.append(packet)
    if group:
        yield group


def needed_packets(packets: list[Any], sampled: set[int]) -> list[Any]:
    """Return the packets without those after the last sampled picture of each group.

    Args:
        packets: All packets in the order of coding.
        sampled: Presentation stamps of the sampled pictures.
    """
    if any(packet.pts < group[0].pts for group in split_groups(packets) for packet in group):
        return packets  # open groups: a picture may need the group before
    needed = []
    for group in split_groups(packets):
        last = max((i for i, packet in enumerate(group) if packet.pts in sampled), default=-1)
        needed += group[: last + 1]
    return needed


def decode(path: str, fps: float) -> dict[str, float]:
    """Decode the pictures that sampling at a rate needs.

    Args:
        path: A recording of constant frame rate.
        fps: Pictures a second.
    """
    with av.open(path) as source:
        stream = source.streams.video[0]
        stream.codec_context.thread_count = 1
        packets = [packet for packet in source.demux(stream) if packet.pts is not None]
        stamps = sorted(packet.pts for packet in packets)
        step = max(1, round(float(stream.average_rate or 0) / fps))
        sampled = set(stamps[::step])
        needed = needed_packets(packets, sampled)
        context = stream.codec_context
        pictures = 0
        begin = time.process_time()
        for packet in [*needed, None]:
            context.skip_frame = "DEFAULT" if packet is None or packet.pts in sampled else "NONREF"
            pictures += sum(frame.pts in sampled for frame in context.decode(packet))
        cpu_s = time.process_time() - begin
    if pictures != len(sampled):
        raise SystemExit(f"{pictures} of {len(sampled)} sampled pictures of {path} came out.")
    return {"frames": pictures, "cpu_s": cpu_s}


if __name__ == "__main__":
    print(json.dumps(decode(sys.argv[1], float(sys.argv[2]))))
