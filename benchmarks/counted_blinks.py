"""Blinks of people that were counted by eye, for `bench_mesh.py counted`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from fer_phq import analyze
from fer_phq.behaviour.blinks import LONGEST_BLINK_S, Blink, detect_closures, eye_closure
from fer_phq.behaviour.columns import column, row_durations
from fer_phq.behaviour.measures import closures
from fer_phq.core.analysis import Sampling, Settings
from fer_phq.mesh import FaceMesh
from fer_phq.mesh.eyes import eye_openness
from fer_phq.video import sample_frames
from training.plots.markdown import markdown_table

COUNTS = Path(__file__).with_name("counted_blinks.json")
"""What was counted, how, and by how many looks."""
ALL_FRAMES = Settings(face_rate=60.0)


def bench_counted(clips: Sequence[Path], follow: Callable[[Path], Iterable[tuple[int, FaceMesh]]]) -> None:
    """Print how many of the counted blinks are found, by the product and by the mesh without its gates.

    Args:
        clips: Recordings of `COUNTS`, by their names.
        follow: Fits the mesh in every frame of a recording.
    """
    document = json.loads(COUNTS.read_text(encoding="utf-8"))
    counts = {recording["file"]: recording for recording in document["recordings"]}
    rows = []
    for clip in clips:
        recording = counts[clip.name]
        frame_s = recording_step_s(clip)
        truth = [((first + last + 1) / 2 * frame_s, frame_s) for first, last in recording["blinks"]]
        analysis = analyze(clip, settings=ALL_FRAMES)
        series = analysis.behaviour
        assert series is not None
        measured = np.isfinite(column(series, "eye_open_left"))
        share = float(row_durations(series)[measured].sum()) / analysis.recording.duration_s
        aside = "kept apart" if recording["kept_apart"] else "looked at while blinks were defined"
        counted = str(len(truth))
        rows.append([clip.name, aside, counted, f"{share:.0%}".replace("%", " %"), *score(truth, closures(series))])
        mesh_alone = ungated(follow(clip), recording["frames"], frame_s)
        rows.append([clip.name, "the mesh without its gates", counted, "", *score(truth, mesh_alone)])
    header = ["recording", "", "counted", "eyes measured", "found", "missed", "invented", "F1"]
    print(markdown_table(header, rows))


def recording_step_s(clip: Path) -> float:
    """Return the seconds from one frame to the next."""
    times = [frame.time_s for frame in sample_frames(str(clip), Sampling(fps=240.0))]
    return float(np.median(np.diff(times)))


def score(truth: Sequence[tuple[float, float]], detected: Sequence[Blink]) -> list[str]:
    """Return the cells of found, missed and invented blinks, and F1.

    Args:
        truth: Middle of each counted blink and what it may be off by, in seconds.
        detected: Closures of the eyes.
    """
    blinks = [blink for blink in detected if blink.duration_s <= LONGEST_BLINK_S]
    hits = sum(
        any(blink.onset_s - step_s < middle_s < blink.offset_s + step_s for blink in blinks)
        for middle_s, step_s in truth
    )
    f1 = 2 * hits / (len(truth) + len(blinks)) if truth or blinks else 1.0
    return [str(hits), str(len(truth) - hits), str(len(blinks) - hits), f"{f1:.2f}"]


def ungated(meshes: Iterable[tuple[int, FaceMesh]], frames: int, frame_s: float) -> list[Blink]:
    """Find closures of the eyes by the mesh of the largest face, whatever its size and its eyes.

    Args:
        meshes: Number of the frame, from 0, and the mesh in it.
        frames: How many there are.
        frame_s: Seconds from one to the next.
    """
    openness = np.full(frames, np.nan, np.float32)
    for number, mesh in meshes:
        openness[number] = eye_openness(mesh.points).mean()
    time_s = np.arange(frames) * frame_s
    return detect_closures(eye_closure(openness, time_s), time_s)
