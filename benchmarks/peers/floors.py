"""The least that an analysis can take here: each stage, and the whole, beside its floor.

Decoding: libavcodec alone, for the pictures that are needed. Networks: their multiply-adds at the most that one core
gives, as measured by a product of matrices; in 32-bit floats and, as what a quantised network could reach, in 8-bit
integers. The detector runs once a picture at its first size, the emotion network once a face with both views. What the
stages do besides (conversion, alignment, tracks, recognition) has no floor: it could be left out or done elsewhere.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import onnx

from benchmarks.peers.contestants import OURS, Contestant, format_spread, run_rounds
from benchmarks.peers.films import Film
from benchmarks.peers.machine import Peaks, measure_peaks
from benchmarks.peers.networks import count_multiply_adds
from benchmarks.peers.processes import run_tree
from benchmarks.scale.figures import Spread, spread
from benchmarks.stage_process import StageProcess
from fer_phq.models.checkpoint import SHIPPED, find_bundle

ROOT = Path(__file__).resolve().parents[2]
ALONE = Path(__file__).with_name("libavcodec_alone.py")
DETECTOR = ROOT / "fer_phq" / "faces" / "centerface.onnx"
NETWORK = "model.onnx"
_MULTIPLE = 32
STAGES = ("decode", "detect", "embed")


class NetworkMissingError(RuntimeError):
    """A network's file is not where it was looked for."""


@dataclass(frozen=True)
class Work:
    """Multiply-adds of the networks.

    Attributes:
        detector: Of one picture of the film.
        emotion: Of one face, both views.
    """

    detector: int
    emotion: int

    def floor_s(self, stage: str, frames: int, faces: int, peak: float) -> float:
        """Return the seconds of a stage's network at a rate.

        Args:
            stage: `detect` or `embed`.
            frames: Pictures.
            faces: Faces.
            peak: 10^9 multiply-adds a second.
        """
        work = self.detector * frames if stage == "detect" else self.emotion * faces
        return work / peak / 1e9


def count_work(film: Film) -> Work:
    """Count the networks' multiply-adds on a film.

    Args:
        film: Its pictures' size decides the detector's.

    Raises:
        NetworkMissingError: A network's file is missing.
    """
    from fer_phq.faces.detector import SIDES

    with av.open(str(film.path)) as source:
        context = source.streams.video[0].codec_context
        scale = SIDES[0] / max(context.width, context.height)
        sides = [-(-round(side * scale) // _MULTIPLE) * _MULTIPLE for side in (context.height, context.width)]
    bundle = find_bundle(SHIPPED)
    detector = _read(DETECTOR)
    emotion = _read(bundle.path / NETWORK)
    side = bundle.config.image_size
    return Work(
        count_multiply_adds(detector, {detector.graph.input[0].name: (1, 3, *sides)}),
        count_multiply_adds(emotion, {emotion.graph.input[0].name: (1, bundle.config.in_chans, side, side)}),
    )


def _read(path: Path) -> onnx.ModelProto:
    if not path.exists():
        raise NetworkMissingError(f"The network {path} is missing: its multiply-adds cannot be counted.")
    return onnx.load(str(path))


def measure(ours: Contestant, film: Film, fps: float, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure the stages and the whole beside their floors, in turns.

    Args:
        ours: fer-phq.
        film: The film.
        fps: Pictures a second.
        rounds: Number of rounds.
        say: Is told of each run.
    """
    work = count_work(film)
    seconds: dict[str, list[float]] = {name: [] for name in (*STAGES, "libavcodec alone", "whole")}
    peaks = []
    with StageProcess(ROOT, film.path, fps) as process:
        rows = {stage: process.run(stage)[1] for stage in STAGES}
        for turn in range(max(1, rounds)):
            peaks.append(measure_peaks())
            seconds["libavcodec alone"].append(_decode_alone(film, fps))
            for stage in STAGES:
                seconds[stage].append(process.run(stage)[0])
            seconds["whole"].append(run_rounds([ours], film, fps, 0, say)[OURS].runs[0].cpu_s)
            say(f"floors, round {turn}: { ({name: round(values[-1], 3) for name, values in seconds.items()}) }")
    best = Peaks(max(peak.fp32 for peak in peaks), max(peak.int8 for peak in peaks))
    return _summarise(work, best, rows, {name: spread(values) for name, values in seconds.items()})


def _summarise(work: Work, peaks: Peaks, rows: Mapping[str, int], seconds: Mapping[str, Spread]) -> dict[str, Any]:
    frames = rows["decode"]
    faces = rows["embed"]
    decoding = seconds["libavcodec alone"].median
    stages: dict[str, Any] = {"decode": {"cpu_s": seconds["decode"], "floor_s": decoding, "int8_floor_s": decoding}}
    for stage in STAGES[1:]:
        floors = [work.floor_s(stage, frames, faces, peak) for peak in (peaks.fp32, peaks.int8)]
        stages[stage] = {"cpu_s": seconds[stage], "floor_s": floors[0], "int8_floor_s": floors[1]}
    sums = {name: sum(entry[name] for entry in stages.values()) for name in ("floor_s", "int8_floor_s")}
    return {
        "peaks": {"fp32": round(peaks.fp32, 1), "int8": round(peaks.int8, 1)},
        "multiply_adds": {"detector": work.detector, "emotion": work.emotion},
        "frames": frames,
        "faces": faces,
        "stages": {**stages, "whole": {"cpu_s": seconds["whole"], **sums}},
    }


def _decode_alone(film: Film, fps: float) -> float:
    run = run_tree([sys.executable, "-P", str(ALONE), str(film.path), f"{min(fps, film.fps):g}"])
    if run.code:
        raise RuntimeError(f"libavcodec alone failed on {film.path}: {run.error}")
    seconds: float = json.loads(run.output)["cpu_s"]
    return seconds


HEADS = ("stage", "processor s", "floor, s", "× its floor", "floor with 8-bit networks, s", "× that")


def table_rows(figures: Mapping[str, Any]) -> list[list[str]]:
    """Return a row for each stage, and one for the whole."""
    rows = []
    for name, entry in figures["stages"].items():
        seconds: Spread = entry["cpu_s"]
        cells = [f"**{name}**" if name == "whole" else name, format_spread(seconds)]
        for floor in (entry["floor_s"], entry["int8_floor_s"]):
            cells += [f"{floor:.2f}", f"{seconds.median / floor:.2f}"]
        rows.append(cells)
    return rows


def describe(figures: Mapping[str, Any]) -> str:
    """Return what the floors were computed from, in a sentence."""
    work: Mapping[str, int] = figures["multiply_adds"]
    peaks: Mapping[str, float] = figures["peaks"]
    parts: Sequence[str] = (
        f"{figures['frames']} pictures of {work['detector'] / 1e6:.0f} M multiply-adds for the detector",
        f"{figures['faces']} faces of {work['emotion'] / 1e6:.0f} M for the emotion network (both views)",
        f"{peaks['fp32']:.0f} G a second in 32-bit floats, {peaks['int8']:.0f} G in 8-bit integers on one core",
    )
    return "; ".join(parts) + "."
