"""How right the face mesh is and what it costs: rendered heads of known pose, small faces, and MediaPipe's own mesh.

    python benchmarks/bench_mesh.py pose [--heads 200] [--portrait FILE ...]
    python benchmarks/bench_mesh.py size [--portrait FILE ...]
    python benchmarks/bench_mesh.py robustness [--portrait FILE ...]
    python benchmarks/bench_mesh.py mediapipe CLIP ... [--environments DIR]
    python benchmarks/bench_mesh.py blinks [--seconds 60] [--portrait FILE ...]
    python benchmarks/bench_mesh.py counted CLIP ...
    python benchmarks/bench_mesh.py gaze [--heads 300] [--leave-out NUMBER ...] [--portrait FILE ...]
    python benchmarks/bench_mesh.py hidden [--repeats 2] [--leave-out NUMBER ...] [--portrait FILE ...]
    python benchmarks/bench_mesh.py masks [--portrait FILE ...]
    python benchmarks/bench_mesh.py cost [--tflite face_landmarks_detector.tflite]

`pose` turns portraits at random (`training/simulation/heads.py`) and takes the errors of the measured poses. `size`
reduces faces and takes what changes. `robustness` spoils pictures as `training/emotion/robustness.py` does
(`spoiled_faces.py`). `mediapipe` runs MediaPipe's FaceLandmarker for video on clips, in an environment
made by `python -m benchmarks.peers.environments MediaPipe`, and follows the same face as it does: each frame's square
comes from the frame before. `blinks` shows lids that close at known times, clean and as a poor JPEG with noise, and
follows the mesh through them. `counted` analyses recordings of people whose blinks were counted by eye
(`counted_blinks.json`). `gaze` shows eyes that look in known directions (`rendered_eyes.py`), `hidden` covers
them, and `masks` the mouths (`hidden_eyes.py`). `cost --tflite` runs MediaPipe's file by LiteRT, too (the package
ai-edge-litert).
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import counted_blinks, hidden_eyes, rendered_eyes, spoiled_faces
from benchmarks.peers import environments
from benchmarks.peers.catalogue import PEERS
from fer_phq.behaviour.blinks import CLOSING, LONGEST_BLINK_S, detect_closures, eye_closure
from fer_phq.core.analysis import Sampling
from fer_phq.core.arrays import FloatArray, Image
from fer_phq.faces import Detection, FaceDetector
from fer_phq.mesh import FaceLandmarker, FaceMesh, estimate_head_pose
from fer_phq.mesh.eyes import eye_openness
from fer_phq.mesh.head_pose import estimate_head_poses
from fer_phq.mesh.landmarker import LANDMARKS
from fer_phq.mesh.points import LEFT_IRIS, RIGHT_IRIS
from fer_phq.mesh.square import square_of_points
from fer_phq.runtime.sessions import open_session
from fer_phq.video import sample_frames
from training.plots.markdown import markdown_table
from training.simulation.camera import Camera
from training.simulation.eyes import Eyes
from training.simulation.heads import Head, rotation_of_pose

FOCAL_LENGTHS = (420.0, 600.0, 1000.0)
"""In pixels of an image 640 wide: 75, 56 and 35 degrees."""
BLINK_RATES = (15, 25, 30)
CLOSURES = 21
"""Pictures of one head from open to closed."""
SIDES = (16, 20, 24, 32, 48, 64, 96)
LARGEST_SIDE = 420
BLOCK = 15
"""Frames between two detections."""

Numbers = npt.NDArray[np.float64]


def load_portraits(paths: Sequence[Path]) -> list[Image]:
    """Load the shipped portrait and others, whose largest face fills half of the picture."""
    with files("training.simulation.puppet").joinpath("portrait.jpg").open("rb") as source:
        portraits = [np.asarray(PillowImage.open(source).convert("RGB"))]
    for path in paths:
        picture = np.asarray(PillowImage.open(path).convert("RGB"))
        for face in FaceDetector().detect([picture])[0]:
            x, y = face.centre
            half = round(face.size)
            left, top = max(0, round(x) - half), max(0, round(y) - half)
            portrait = PillowImage.fromarray(picture[top : round(y) + half, left : round(x) + half])
            portrait.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
            portraits.append(np.asarray(portrait))
    return portraits


def largest_face(picture: Image, detector: FaceDetector) -> Detection | None:
    """Return the largest face of a picture."""
    return max(detector.detect([picture])[0], key=lambda face: face.size, default=None)


def eye_distance(points: npt.NDArray[Any]) -> float:
    """Return the distance of the irises."""
    return float(np.linalg.norm(points[LEFT_IRIS, :2] - points[RIGHT_IRIS, :2]))


def bench_pose(options: argparse.Namespace) -> None:
    """Print the errors of rendered poses by focal length."""
    detector, landmarker, rng = FaceDetector(), FaceLandmarker(), np.random.default_rng(options.seed)
    portraits = load_portraits(options.portrait)
    meshes = [landmarker.fit_detection(picture, largest_face(picture, detector)) for picture in portraits]
    outcomes: list[tuple[float, Numbers, Numbers]] = []  # focal length, true and measured angles
    for number in range(options.heads):
        shape = (rng.choice([0.95, 1, 1.05]), 1.0, rng.choice([0.9, 1, 1.1]))
        head = Head(portraits[number % len(portraits)], meshes[number % len(portraits)].points, shape)
        truth = rng.uniform((-30, -40, -30), (30, 40, 30))
        focal = FOCAL_LENGTHS[number // len(portraits) % len(FOCAL_LENGTHS)]
        distance = focal * rng.uniform(0.07, 0.11)
        place = rng.uniform(-0.2, 0.2, 2) * distance / focal * (320, 240)
        picture = head.render(rotation_of_pose(*truth), (*place, distance), Camera(640, 480, focal))
        face = largest_face(picture, detector)
        mesh = landmarker.fit_detection(picture, face) if face else None
        pose = estimate_head_pose(mesh.points, (640, 480)) if mesh else None
        if pose is not None:
            outcomes.append((focal, truth, np.array([pose.pitch_deg, pose.yaw_deg, pose.roll_deg])))
    rows = []
    for name, lengths in [*((f"{focal:.0f} px", {focal}) for focal in FOCAL_LENGTHS), ("all", set(FOCAL_LENGTHS))]:
        errors = [measured - truth for focal, truth, measured in outcomes if focal in lengths]
        rows.append(_pose_row(name, np.array(errors)))
    print(markdown_table(["focal length", "heads", "pitch", "yaw", "roll"], rows))
    truths, measures = (np.array([outcome[part] for outcome in outcomes]) for part in (1, 2))
    slopes = [np.polyfit(truths[:, axis], measures[:, axis], 1)[0] for axis in range(3)]
    print(f"{len(portraits)} portraits; {options.heads - len(outcomes)} heads without a face or a pose.")
    print(f"Slope of the measured on the true angle: {', '.join(f'{slope:.2f}' for slope in slopes)}.")


def _pose_row(name: str, errors: Numbers) -> list[str]:
    absolute = np.abs(errors)
    cells = [f"{np.median(absolute[:, axis]):.1f}, {np.quantile(absolute[:, axis], 0.95):.1f}" for axis in range(3)]
    return [name, str(len(errors)), *cells]


def bench_size(options: argparse.Namespace) -> None:
    """Print what changes when faces are reduced."""
    detector, landmarker = FaceDetector(), FaceLandmarker()
    rows = []
    faces = [(picture, largest_face(picture, detector)) for picture in load_portraits(options.portrait)]
    for side in SIDES:
        changes = [_change(picture, face, side, landmarker) for picture, face in faces if face and face.size > side]
        if changes:
            rows.append([str(side), str(len(changes)), *_summary(np.array(changes))])
    print(markdown_table(["side of the face, px", "faces", "points", "pitch", "yaw", "roll", "blendshapes"], rows))


def _change(picture: Image, face: Detection, side: int, landmarker: FaceLandmarker) -> list[float]:
    factor = side / face.size
    size = (round(picture.shape[1] * factor), round(picture.shape[0] * factor))
    small = np.asarray(PillowImage.fromarray(picture).resize(size, PillowImage.Resampling.BOX))
    before, after = landmarker.fit_detection(picture, face), landmarker.fit_detection(small, face.scaled(factor))
    distances = np.linalg.norm(after.points[:, :2] / factor - before.points[:, :2], axis=1)
    first = estimate_head_pose(before.points, picture.shape[1::-1])
    second = estimate_head_pose(after.points, size)
    assert first is not None
    assert second is not None
    turns = (second.pitch_deg - first.pitch_deg, second.yaw_deg - first.yaw_deg, second.roll_deg - first.roll_deg)
    scores = np.abs(landmarker.blendshapes(after) - landmarker.blendshapes(before))
    return [float(np.median(distances)) / eye_distance(before.points), *map(abs, turns), float(scores.max())]


def _summary(changes: Numbers) -> list[str]:
    """Return the median and the largest of each column."""
    points, scores = changes[:, 0] * 100, changes[:, 4]
    turns = [f"{np.median(changes[:, axis]):.1f}, {changes[:, axis].max():.1f}" for axis in (1, 2, 3)]
    return [f"{np.median(points):.1f} %, {points.max():.1f} %", *turns, f"{np.median(scores):.2f}, {scores.max():.2f}"]


def bench_mediapipe(options: argparse.Namespace) -> None:
    """Print how points and blendshapes agree with MediaPipe's."""
    detector, landmarker = FaceDetector(), FaceLandmarker()
    rows = []
    for clip in options.clips:
        theirs = _mediapipe_values(clip, options.environments)
        ours = dict(_follow(clip, detector, landmarker))
        pairs = [(ours[index], theirs[index]) for index in sorted(ours) if theirs.get(index)]
        points = np.array([mesh.points for mesh, _ in pairs])
        expected = np.array([face["points"] for _, face in pairs])
        units = np.linalg.norm(expected[:, LEFT_IRIS, :2] - expected[:, RIGHT_IRIS, :2], axis=1)[:, None]
        distances = np.linalg.norm(points[..., :2] - expected[..., :2], axis=2) / units
        shape = [(values - values.mean(axis=1, keepdims=True)) / units[..., None] for values in (points, expected)]
        scores = np.array([landmarker.blendshapes(mesh) for mesh, _ in pairs])
        expected_scores = np.array([face["blendshapes"] for _, face in pairs])
        rows.append(
            [
                clip.name,
                str(len(pairs)),
                f"{np.median(distances) * 100:.2f} %, {np.quantile(distances, 0.95) * 100:.2f} %",
                f"{_correlation(shape[0][..., :2], shape[1][..., :2]):.4f}",
                f"{_correlation(shape[0][..., 2], shape[1][..., 2]):.4f}",
                f"{_correlation(scores, expected_scores):.4f}",
                f"{np.quantile(np.abs(scores - expected_scores), 0.99):.3f}",
            ]
        )
    header = ["clip", "frames", "distance", "r of x and y", "r of depth", "r of blendshapes", "difference, 99 %"]
    print(markdown_table(header, rows))


def _correlation(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def _follow(clip: Path, detector: FaceDetector, landmarker: FaceLandmarker) -> Iterator[tuple[int, FaceMesh]]:
    """Yield the mesh of the largest face of each frame, followed from frame to frame."""
    mesh: FaceMesh | None = None
    for index, frame in enumerate(sample_frames(str(clip), Sampling(fps=240.0))):
        face = largest_face(frame.rgb, detector)
        if face is None:
            mesh = None
            continue
        if mesh is None:
            mesh = landmarker.fit_detection(frame.rgb, face)
        else:
            mesh = landmarker.fit(frame.rgb, square_of_points(mesh.points))
        yield index, mesh


def _mediapipe_values(clip: Path, folder: Path) -> dict[int, dict[str, Any]]:
    """Return the face of each frame by MediaPipe."""
    peer = next(peer for peer in PEERS if peer.name == "MediaPipe")
    words = [*environments.command(folder, peer), str(clip.resolve()), "--fps", "1000", "--values"]
    place = environments.working_folder(folder, peer)
    outcome = subprocess.run(
        words, cwd=place, env=environments.variables(folder, peer), capture_output=True, text=True, check=True
    )
    frames = json.loads(outcome.stdout.strip().splitlines()[-1])["rows"]
    return {index: frame["faces"][0] for index, frame in enumerate(frames) if frame["faces"]}


def bench_blinks(options: argparse.Namespace) -> None:
    """Print how blinks of rendered lids are detected."""
    rng, landmarker, detector = np.random.default_rng(options.seed), FaceLandmarker(), FaceDetector()
    heads = []
    for portrait in load_portraits(options.portrait):
        face = largest_face(portrait, detector)
        assert face is not None
        heads.append(Head(portrait, landmarker.fit_detection(portrait, face).points))
    rows = []
    for rate in BLINK_RATES:
        for name, spoil in (("clean", None), ("noise of 4 %, JPEG 40", rng)):
            for number, head in enumerate(heads):
                truth = _blink_times(options.seconds, rng)
                openness, time_s = _blinking(head, truth, rate, options.seconds, landmarker, detector, spoil)
                rows.append([f"{rate}", name, str(number + 1), *_blink_score(truth, openness, time_s, rate)])
    header = ["frames/s", "picture", "portrait", "blinks", "missed", "invented", "F1", "duration, frames"]
    print(markdown_table(header, rows))


def _blink_times(seconds: float, rng: np.random.Generator) -> list[Numbers]:
    """Return blinks as the four times at which the lids begin to close, are closed, begin to open and are open."""
    blinks = []
    start = rng.uniform(1, 3)
    while start < seconds - 1:
        parts = (start, rng.uniform(0.06, 0.12), rng.uniform(0.03, 0.1), rng.uniform(0.1, 0.22))
        blinks.append(np.cumsum(parts))
        start += rng.uniform(1.5, 5)
    return blinks


def _blinking(
    head: Head,
    blinks: Sequence[Numbers],
    rate: int,
    seconds: float,
    landmarker: FaceLandmarker,
    detector: FaceDetector,
    spoil: np.random.Generator | None,
) -> tuple[FloatArray, Numbers]:
    """Return the openness of both eyes, frame by frame, of a head whose lids close as told."""
    camera = Camera(480, 360, 450)
    steps = np.linspace(0, 1, CLOSURES)
    pictures = [head.render(rotation_of_pose(2, 5, 0), (0, 0, 40), camera, Eyes(0, 0, float(step))) for step in steps]
    time_s = np.arange(0, seconds, 1 / rate)
    closure = np.max([np.interp(time_s, blink, [0, 1, 1, 0], left=0, right=0) for blink in blinks], axis=0)
    openness = []
    mesh: FaceMesh | None = None
    for level in closure:
        picture = pictures[round(float(level) * (CLOSURES - 1))]
        picture = picture if spoil is None else _spoil(picture, spoil)
        face = largest_face(picture, detector) if mesh is None else None
        mesh = (
            landmarker.fit_detection(picture, face) if face else landmarker.fit(picture, square_of_points(mesh.points))
        )
        openness.append(np.mean(eye_openness(mesh.points)))
    return np.array(openness, np.float32), time_s


def _spoil(picture: Image, rng: np.random.Generator) -> Image:
    noisy = np.clip(picture + rng.normal(0, 10, picture.shape), 0, 255).astype(np.uint8)
    PillowImage.fromarray(noisy).save(buffer := io.BytesIO(), format="JPEG", quality=40)
    return np.asarray(PillowImage.open(buffer))


def _blink_score(truth: Sequence[Numbers], openness: FloatArray, time_s: Numbers, rate: int) -> list[str]:
    closures = detect_closures(eye_closure(openness, time_s), time_s)
    detected = [blink for blink in closures if blink.duration_s <= LONGEST_BLINK_S]
    errors = []
    for blink in truth:
        middle = (blink[1] + blink[2]) / 2
        match = next((one for one in detected if one.onset_s - 1 / rate < middle < one.offset_s + 1 / rate), None)
        if match is not None:
            lasting = blink[3] - blink[0] - CLOSING * (blink[1] - blink[0] + blink[3] - blink[2])
            errors.append(abs(match.duration_s - lasting) * rate)
    hits = len(errors)
    score = 2 * hits / (len(truth) + len(detected)) if truth else 0.0
    deviation = f"{np.median(errors):.2f}, {np.quantile(errors, 0.95):.2f}" if errors else "-"
    return [str(len(truth)), str(len(truth) - hits), str(len(detected) - hits), f"{score:.3f}", deviation]


def bench_counted(options: argparse.Namespace) -> None:
    """Print how blinks that were counted by eye are detected."""
    detector, landmarker = FaceDetector(), FaceLandmarker()
    counted_blinks.bench_counted(options.clips, lambda clip: _follow(clip, detector, landmarker))


def bench_gaze(options: argparse.Namespace) -> None:
    """Print the errors of the gaze on rendered eyes."""
    rendered_eyes.bench_gaze(_portraits_with_points(options), options.heads, options.seed)


def bench_hidden(options: argparse.Namespace) -> None:
    """Print how often eyes are said to be hidden."""
    hidden_eyes.bench_hidden(_portraits_with_points(options), options.repeats, options.seed)


def bench_robustness(options: argparse.Namespace) -> None:
    """Print the errors of the points in spoiled pictures."""
    spoiled_faces.bench_robustness(_portraits_with_points(options), options.seed)


def bench_masks(options: argparse.Namespace) -> None:
    """Print how far lips and masks differ from what is around."""
    hidden_eyes.bench_masks(_portraits_with_points(options), options.seed)


def _portraits_with_points(options: argparse.Namespace) -> list[tuple[Image, FloatArray]]:
    detector, landmarker = FaceDetector(), FaceLandmarker()
    portraits = []
    for number, portrait in enumerate(load_portraits(options.portrait), 1):
        face = largest_face(portrait, detector)
        if face is not None and number not in options.leave_out:
            portraits.append((portrait, landmarker.fit_detection(portrait, face).points))
    return portraits


def bench_cost(options: argparse.Namespace) -> None:
    """Print the processor time of each step on one thread."""
    landmarker = FaceLandmarker(threads=1)
    detector = FaceDetector(threads=1)
    (picture, *_) = load_portraits(options.portrait)
    face = largest_face(picture, detector)
    assert face is not None
    mesh = landmarker.fit_detection(picture, face)
    block = np.stack([mesh.points] * BLOCK)
    sizes = np.array([picture.shape[1::-1]] * BLOCK)
    steps: dict[str, Callable[[], object]] = {
        "a pass of the mesh": lambda: landmarker.fit(picture, square_of_points(mesh.points)),
        "blendshapes": lambda: landmarker.blendshapes(mesh),
        "head pose": lambda: estimate_head_pose(mesh.points, picture.shape[1::-1]),
        f"head poses of {BLOCK} frames": lambda: estimate_head_poses(block, sizes),
        "a detection at 320 px": lambda: detector.detect([picture]),
    }
    if options.tflite:
        steps["the network of a pass, onnxruntime"] = _onnx_network()
        steps["the network of a pass, LiteRT"] = _litert_network(options.tflite)
    rows = []
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(options.repeats):
        for name, step in steps.items():
            started = time.process_time()
            step()
            times[name].append(1000 * (time.process_time() - started))
    for name, values in times.items():
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        rows.append([name, f"{middle:.2f} ({low:.2f} to {high:.2f})"])
    print(markdown_table(["step", "ms of processor time, median and quartiles"], rows))


def _onnx_network() -> Callable[[], object]:
    session = open_session(LANDMARKS, threads=1)
    pixels = np.random.default_rng(0).random((1, 3, 256, 256), dtype=np.float32)
    return lambda: session.run(None, {session.get_inputs()[0].name: pixels})


def _litert_network(path: Path) -> Callable[[], object]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    index = interpreter.get_input_details()[0]["index"]
    interpreter.set_tensor(index, np.random.default_rng(0).random((1, 256, 256, 3), dtype=np.float32))
    return interpreter.invoke


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    pose = parts.add_parser("pose")
    pose.add_argument("--heads", type=int, default=200)
    pose.add_argument("--seed", type=int, default=1)
    size = parts.add_parser("size")
    blinks = parts.add_parser("blinks")
    blinks.add_argument("--seconds", type=float, default=60.0)
    blinks.add_argument("--seed", type=int, default=0)
    gaze = parts.add_parser("gaze")
    gaze.add_argument("--heads", type=int, default=300)
    gaze.add_argument("--seed", type=int, default=5)
    hidden = parts.add_parser("hidden")
    hidden.add_argument("--repeats", type=int, default=2)
    hidden.add_argument("--seed", type=int, default=7)
    masks = parts.add_parser("masks")
    masks.add_argument("--seed", type=int, default=8)
    robustness = parts.add_parser("robustness")
    robustness.add_argument("--seed", type=int, default=9)
    for part in (gaze, hidden, masks, robustness):
        part.add_argument("--leave-out", type=int, action="append", default=[], help="portrait whose eyes are not seen")
    cost = parts.add_parser("cost")
    cost.add_argument("--repeats", type=int, default=100)
    cost.add_argument("--tflite", type=Path, help="the network as TensorFlow Lite has it")
    for part in (pose, size, blinks, gaze, hidden, masks, robustness, cost):
        part.add_argument("--portrait", type=Path, action="append", default=[], help="a picture with faces")
    mediapipe = parts.add_parser("mediapipe")
    counted = parts.add_parser("counted")
    for part in (mediapipe, counted):
        part.add_argument("clips", type=Path, nargs="+")
    mediapipe.add_argument("--environments", type=Path, default=environments.default_folder())
    options = parser.parse_args()
    benches = {"pose": bench_pose, "size": bench_size, "mediapipe": bench_mediapipe, "blinks": bench_blinks}
    benches |= {"cost": bench_cost, "gaze": bench_gaze, "hidden": bench_hidden, "masks": bench_masks}
    benches |= {"counted": bench_counted, "robustness": bench_robustness}
    benches[options.part](options)


if __name__ == "__main__":
    main()
