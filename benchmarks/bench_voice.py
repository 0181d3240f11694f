"""Cost of the voice analysis: seconds of sound analysed in a second, and peak memory, of ten minutes and of an hour.

    python benchmarks/bench_voice.py
    python benchmarks/bench_voice.py --minutes 1 10 --kind wav
    python benchmarks/bench_voice.py --minutes 10 --channels 2

The sound is a voice-like tone, noise and silence in turn, ten seconds encoded once and repeated packet by packet. Every
measurement runs in a fresh process, on one thread; processor seconds are steadier than wall seconds, and both are
shown, the decoding process included. Of several channels, what comparing them costs is told from the same recording
with a channel that is chosen by hand.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from memory import peak_mb

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
KINDS = {"m4a": "aac", "wav": "pcm_s16le", "flac": "flac"}
TURN_S = 10


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(description="Measure the voice layer.")
    parser.add_argument("--minutes", type=int, nargs="+", default=[10, 60])
    parser.add_argument("--kind", choices=KINDS, default="m4a")
    parser.add_argument("--channels", type=int, choices=(1, 2), default=1)
    parser.add_argument("--chosen", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.chosen)))
        return
    print(f"voice_features of {options.kind}, one thread")
    with tempfile.TemporaryDirectory() as folder:
        for minutes in options.minutes:
            path = make_recording(Path(folder), minutes, options.kind, options.channels)
            result = measure_in_new_process(path)
            print(
                f"  {minutes:3d} min: {minutes * 60 / result['cpu_s']:.0f} s of sound a processor second, "
                f"{minutes * 60 / result['wall_s']:.0f} a wall second, caller {result['peak_mb']:.0f} MB "
                f"({result['before_mb']:.0f} MB before), decoder {result['child_mb']:.0f} MB, {result['rows']:.0f} rows"
            )
            if options.channels > 1:
                chosen = measure_in_new_process(path, "--chosen", "1")
                print(f"          comparing the channels: {result['cpu_s'] / chosen['cpu_s'] - 1:+.1%} processor time")


def make_recording(folder: Path, minutes: int, kind: str, channels: int) -> Path:
    """Make a recording of ten seconds that are repeated to the length."""
    import av
    import numpy as np
    import sounds  # type: ignore[import-not-found]

    turn = np.concatenate(
        [sounds.voiced(130, 4, 48_000), sounds.silence(1, 48_000), sounds.noise(3, 48_000), sounds.silence(2, 48_000)]
    )
    columns = np.stack([turn + sounds.noise(TURN_S, 48_000, 0.005, seed) for seed in range(channels)], axis=1)
    source = sounds.write_tracks(folder / f"turn.{kind}", [columns], rate=48_000, codecs=[KINDS[kind]])
    path = folder / f"{minutes}.{kind}"
    with av.open(str(source)) as inp, av.open(str(path), "w") as out:
        packets = [p for p in inp.demux(audio=0) if p.dts is not None]
        raw: list[Any] = [(bytes(p), p.pts, p.duration, p.time_base) for p in packets]
        stream = out.add_stream_from_template(inp.streams.audio[0])
        length = max(pts + duration for _, pts, duration, _ in raw) - raw[0][1]
        for number in range(minutes * 60 // TURN_S):
            for content, pts, duration, base in raw:
                packet = av.Packet(content)
                packet.pts = packet.dts = pts + number * length
                packet.duration = duration
                packet.time_base = base
                packet.stream = stream
                out.mux(packet)
    return path


def measure_in_new_process(path: Path, *options: str) -> dict[str, float]:
    """Run the measurement in a new process."""
    command = [sys.executable, __file__, "--one", str(path), *options]
    result: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def measure(path: str, channel: int | None) -> dict[str, float]:
    """Analyse one file in this process, or one channel of it."""
    from fer_phq.core.analysis import SoundChoice
    from fer_phq.voice import features_of_sound, voice_features

    features_of_sound([])  # loads the networks
    before_mb = peak_mb(os.getpid())
    child_mb = 0.0

    def observe(done_s: float, total_s: float | None) -> None:
        nonlocal child_mb
        child_mb = max([child_mb, *(peak_mb(child.pid) for child in psutil.Process().children())])

    cpu = processor_s()
    wall = time.perf_counter()
    rows = len(voice_features(path, on_progress=observe, sound=SoundChoice(channel=channel)))
    return {
        "cpu_s": processor_s() - cpu,
        "wall_s": time.perf_counter() - wall,
        "before_mb": before_mb,
        "peak_mb": peak_mb(os.getpid()),
        "child_mb": child_mb,
        "rows": rows,
    }


def processor_s() -> float:
    """Return processor seconds of this process and of the decoding processes that have ended."""
    usages = [resource.getrusage(processes) for processes in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    main()
