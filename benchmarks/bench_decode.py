"""Cost of decoding: all pictures, 2 frames/s and key frames; memory of a minute and an hour; time to a first frame.

    python benchmarks/bench_decode.py                 all of it
    python benchmarks/bench_decode.py speed --repeats 7
    python benchmarks/bench_decode.py way             a process's start, and the way of a frame to its caller
    python benchmarks/bench_decode.py memory --minutes 1 60

Recordings are made on the spot (H.264, a moving face) and repeated packet by packet to their length. Every measurement
runs in a fresh process; the ways take turns, so that a busy machine slows both alike. Processor seconds are
steadier than wall seconds; both are shown.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from memory import peak_mb

CODECS: dict[str, dict[str, Any]] = {
    "H.264 without B-frames": {"codec_options": {"x264-params": "bframes=0"}},
    "H.264 with B-frames": {"codec_options": {"x264-params": "b-adapt=0:bframes=3"}},
    "HEVC": {"codec": "libx265"},
}
"""How `tests/recordings.py` encodes the recordings whose decoding is compared."""

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(description="Measure the video layer.")
    parser.add_argument("what", nargs="?", default="all", choices=["all", "speed", "way", "memory", "first", "_one"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 60])
    parser.add_argument("--one", nargs=2, default=("", ""), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.what == "_one":
        print(json.dumps(_MEASURES[options.one[0]](options.one[1])))
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.what in ("all", "speed"):
            speed(Path(folder), options.repeats)
        if options.what in ("all", "way"):
            way(Path(folder), options.repeats)
        if options.what in ("all", "memory"):
            memory(Path(folder), options.minutes)
        if options.what in ("all", "first"):
            first_frame(Path(folder), options.repeats)


def speed(folder: Path, repeats: int) -> None:
    """Compare all pictures, those that sampling at 2 frames/s needs, and key frames, on one thread."""
    for codec, options in CODECS.items():
        path = recording(folder, minutes=1, size=(1280, 720), name=codec, options=options)
        runs: dict[str, list[dict[str, float]]] = {"all pictures": [], "2 frames/s": [], "key frames": []}
        for _ in range(repeats):
            for name, results in runs.items():
                results.append(measured(name, path))
        print(f"\nOne minute of 720p at 24 frames/s, {codec}, one thread, {repeats} runs in turn")
        for name, results in runs.items():
            cpu = [r["cpu_s"] for r in results]
            wall = [r["wall_s"] for r in results]
            peak = max(r["peak_mb"] for r in results)
            count = results[0]["frames"]
            print(f"  {name:12s} processor {spread(cpu)} s, wall {spread(wall)} s, {peak:.0f} MB, {count} frames")
        for name in ("all pictures", "key frames"):
            pairs = zip(runs["2 frames/s"], runs[name], strict=True)
            print(f"  2 frames/s / {name}: processor {spread([a['cpu_s'] / b['cpu_s'] for a, b in pairs])}")


def way(folder: Path, repeats: int) -> None:
    """Print what starting a decoder process takes, and what each frame takes of both processes."""
    path = recording(folder, minutes=1, size=(1280, 720))
    print(f"\nProcessor time of the caller and of the decoder process, {repeats} runs in turn")
    runs: dict[str, list[dict[str, float]]] = {"start": [], "every frame": []}
    for _ in range(repeats):
        for name, results in runs.items():
            results.append(measured(name, path))
    print(f"  start and first answer: process {spread([r['child_cpu_s'] for r in runs['start']])} s")
    for whose, key in (("caller", "cpu_s"), ("process", "child_cpu_s")):
        ms = [1000 * r[key] / r["frames"] for r in runs["every frame"]]
        print(f"  every frame of 720p, {whose}: {spread(ms)} ms a frame")


def memory(folder: Path, minutes: list[int]) -> None:
    """Print the peak resident memory of caller and decoding process through the public functions."""
    print("\nPeak memory of sample_frames at 2 frames/s, 320x240 H.264 at 24 frames/s")
    for length in minutes:
        result = measured("door", recording(folder, length))
        print(
            f"  {length:3d} min: caller {result['peak_mb']:.1f} MB, decoder {result['child_mb']:.1f} MB, "
            f"{result['frames']} frames in {result['wall_s']:.1f} s"
        )


def first_frame(folder: Path, repeats: int) -> None:
    """Wall seconds to start a decoder and have an answer, on an hour."""
    path = recording(folder, 60)
    print("\nTime to an answer on an hour of 320x240 H.264 (process start included)")
    for name in ("probe", "read_frame", "first frame"):
        print(f"  {name:12s} wall {spread([measured(name, path)['wall_s'] for _ in range(repeats)])} s")


def recording(
    folder: Path,
    minutes: int,
    size: tuple[int, int] = (320, 240),
    name: str = "H.264",
    options: dict[str, Any] | None = None,
) -> Path:
    """Six seconds of a moving face, repeated to the length."""
    import recordings as make  # type: ignore[import-not-found]

    path = folder / f"{minutes}-{size[0]}-{name}.mp4"
    if not path.exists():
        usual: dict[str, Any] = {"seconds": 6, "fps": 24, "size": size, "motion": "moving", "gop": 48}
        make.loop(make.make_recording(folder / "loop.mp4", **(usual | (options or {}))), path, minutes * 10)
    return path


def measured(name: str, path: Path) -> dict[str, float]:
    """Run one measurement in a fresh process."""
    command = [sys.executable, __file__, "_one", "--one", name, str(path)]
    result: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def spread(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def _one_decoder(name: str, path: str) -> dict[str, float]:
    """Decode in this process in one way, without a decoder process and without sending anything."""
    from fer_phq.video.decoder.pictures.conversion import Converter
    from fer_phq.video.decoder.pictures.decoding import decode_frames
    from fer_phq.video.decoder.pictures.frames import key_frames, sample
    from fer_phq.video.decoder.recording import open_recording
    from fer_phq.video.sampling import displayed_at_rate

    recording = open_recording(
        path,
        display_name=path,
        max_side=1280,
        threads=1,
        heartbeat=lambda: None,
        with_index=name != "key frames",
        with_coded=name == "2 frames/s",
    )
    before = _cpu()
    started = time.perf_counter()
    if name == "all pictures":  # of which the same are sampled as at 2 frames/s
        displayed = displayed_at_rate(decode_frames(recording), 2.0, recording.end_s)
        converter = Converter(recording)
        frames = (converter.convert(*frame) for frame in displayed)
    else:
        frames = sample(recording, 2.0) if name == "2 frames/s" else key_frames(recording)
    count = sum(1 for _ in frames)
    return _result(started, count) | {"cpu_s": _cpu() - before}


def _door(path: str) -> dict[str, float]:
    from fer_phq.core.analysis import Sampling
    from fer_phq.video import sample_frames

    started = time.perf_counter()
    with sample_frames(path, Sampling(fps=2.0)) as stream:
        count = 0
        child_mb = 0.0
        for count, _ in enumerate(stream, start=1):  # noqa: B007
            child_mb = max([child_mb, *(peak_mb(child.pid) for child in psutil.Process().children())])
    return _result(started, count) | {"child_mb": child_mb}


def _way(name: str, path: str) -> dict[str, float]:
    from fer_phq.core.analysis import Sampling
    from fer_phq.video import list_sound_tracks, sample_frames

    before = _cpu()
    started = time.perf_counter()
    if name == "start":
        list_sound_tracks(path)
        count = 1
    else:
        with sample_frames(path, Sampling(fps=24.0)) as stream:
            count = sum(1 for _ in stream)
    return _result(started, count) | {"cpu_s": _cpu() - before, "child_cpu_s": _cpu(resource.RUSAGE_CHILDREN)}


def _answer(name: str, path: str) -> dict[str, float]:
    from fer_phq.core.analysis import Sampling
    from fer_phq.video import probe, read_frame, sample_frames

    started = time.perf_counter()
    if name == "probe":
        probe(path)
    elif name == "read_frame":
        read_frame(path, 3000.0)
    else:
        with sample_frames(path, Sampling()) as stream:
            next(stream)
    return _result(started, 1)


def _result(started: float, count: int) -> dict[str, float]:
    return {
        "wall_s": time.perf_counter() - started,
        "frames": count,
        "peak_mb": peak_mb(os.getpid()),
        "child_mb": math.nan,
    }


def _cpu(whose: int = resource.RUSAGE_SELF) -> float:
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime


_MEASURES: dict[str, Any] = {
    "door": _door,
    **{name: lambda path, name=name: _one_decoder(name, path) for name in ("all pictures", "2 frames/s", "key frames")},
    **{name: lambda path, name=name: _way(name, path) for name in ("start", "every frame")},
    **{name: lambda path, name=name: _answer(name, path) for name in ("probe", "read_frame", "first frame")},
}


if __name__ == "__main__":
    main()
