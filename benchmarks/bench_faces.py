"""Cost and recall of the face layer: milliseconds for a frame, recall by face size, people told apart by appearance.

    python benchmarks/bench_faces.py [--clips ../shared/clips] [--reduction]

The people are scikit-image's astronaut and, with --clips, those of its photographs and video. For recall every face
is shown in 1280 x 720 at a given share of the picture's height, in six ways: as it is, dark, with noise, as a poor
JPEG, blurred, turned by 20 degrees without colour.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageEnhance, ImageFilter
from skimage import data

from fer_phq.core.arrays import Image
from fer_phq.faces import Detection, FaceDetector, Tracker, align_crop, appearance, crop_quality
from fer_phq.faces import detector as detector_module
from fer_phq.faces.detector import Box, overlap

Resize = Callable[[Image, int, int], Image]

WIDTH = 1280
HEIGHT = 720
SHARES = (0.05, 0.07, 0.1, 0.15, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5)
CHOICES = ((160,), (320,), (640,), (320, 640), (320, 160, 640))
NO_FACES = ("coffee", "chelsea", "page", "coins", "brick", "grass", "gravel", "text", "clock", "moon")


def load_photographs(clips: Path | None) -> list[Image]:
    """Load the photographs with people."""
    out = [data.astronaut()]
    if clips is not None:
        names = ("single_face.jpg", "multi_face.jpg")
        out += [np.asarray(PillowImage.open(clips / name).convert("RGB")) for name in names]
        out.append(load_video_frames(clips)[30])
    return out


def load_video_frames(clips: Path) -> list[Image]:
    """Load all frames of the short clip."""
    with av.open(str(clips / "single_face.mp4")) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def place_face(picture: Image, box: Box, share: float) -> tuple[PillowImage.Image, Box]:
    """Place a face at `share` of the height in the middle of a 1280 x 720 picture; return picture and face box."""
    x0, y0, x1, y1 = box
    step = (y1 - y0) / (share * HEIGHT)  # picture pixels a frame pixel
    left = (x0 + x1) / 2 - WIDTH * step / 2
    top = (y0 + y1) / 2 - HEIGHT * step / 2
    border = round(max(0, -left, -top, left + WIDTH * step, top + HEIGHT * step)) + 2
    padded = PillowImage.fromarray(np.pad(picture, ((border, border), (border, border), (0, 0)), mode="edge"))
    region = (left + border, top + border, left + border + WIDTH * step, top + border + HEIGHT * step)
    frame = padded.resize((WIDTH, HEIGHT), PillowImage.Resampling.BICUBIC, box=region)
    half = ((x1 - x0) / step / 2, (y1 - y0) / step / 2)
    low = (max(0.0, WIDTH / 2 - half[0]), max(0.0, HEIGHT / 2 - half[1]))
    return frame, (*low, WIDTH - low[0], HEIGHT - low[1])


def make_variants(frame: PillowImage.Image) -> Iterator[Image]:
    """Make six variants of a frame, as recordings may show a face."""
    noise = np.random.default_rng(0).normal(0, 20, (frame.height, frame.width, 3))
    packed = io.BytesIO()
    frame.save(packed, "JPEG", quality=12)
    grey = (128, 128, 128)
    yield np.asarray(frame)
    yield np.asarray(ImageEnhance.Brightness(frame).enhance(0.3))
    yield np.clip(np.asarray(frame) + noise, 0, 255).astype(np.uint8)
    yield np.asarray(PillowImage.open(packed).convert("RGB"))
    yield np.asarray(frame.filter(ImageFilter.GaussianBlur(frame.height / 120)))
    yield np.asarray(frame.rotate(20, PillowImage.Resampling.BICUBIC, fillcolor=grey).convert("L").convert("RGB"))


def measure_ms(run: Callable[[], object], repeats: int = 5) -> float:
    """Measure the milliseconds of the quickest of some runs."""
    spent = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        spent.append(time.perf_counter() - began)
    return min(spent) * 1000


def report_speed(threads: int) -> None:
    """Print milliseconds for a frame at each size, one at a time and sixteen together, and for a crop."""
    print(f"\nspeed, {threads} thread(s), 1280 x 720 frames, best of 5, ms a frame: one at a time | sixteen in a call")
    frame, _ = place_face(data.astronaut(), (184.0, 64.0, 269.0, 176.0), 0.4)
    empty = np.ascontiguousarray(np.asarray(PillowImage.fromarray(data.coffee()).resize((WIDTH, HEIGHT))))
    face = None
    picture = np.asarray(frame)
    for sides in ((160,), (320,), (640,), (320, 160, 640)):
        detector = FaceDetector(threads=threads, sides=sides)
        for name, scene in (("face", picture), ("no face", empty)):
            single = measure_ms(lambda d=detector, s=scene: d.detect([s]))
            batch = measure_ms(lambda d=detector, s=scene: d.detect([s] * 16)) / 16
            print(f"  {sides!s:16s} {name:8s} {single:7.1f} | {batch:7.1f}")
    face = FaceDetector(threads=threads).detect([picture])[0][0]
    crop = align_crop(picture, face.landmarks, 96)
    print(f"  align_crop {measure_ms(lambda: align_crop(picture, face.landmarks, 96)):.1f} ms, ", end="")
    print(f"crop_quality {measure_ms(lambda: crop_quality(crop, face, (WIDTH, HEIGHT))):.1f} ms, ", end="")
    print(f"appearance {measure_ms(lambda: appearance(crop)):.1f} ms")


def report_recall(people: Sequence[tuple[Image, Box]], threads: int) -> None:
    """Print the share of detected faces at threshold 0.5, and milliseconds for a frame, by face size and sides."""
    print(f"\nrecall (ms a frame), {len(people)} faces x 6 variants, by face height over picture height")
    print("  share  " + "".join(f"{'+'.join(map(str, sides)):>17s}" for sides in CHOICES))
    for share in SHARES:
        scenes = []
        for picture, box in people:
            frame, true_box = place_face(picture, box, share)
            scenes += [(scene, true_box) for scene in make_variants(frame)]
        print(
            f"  {share:5.2f}  " + "".join(f"{measure_recall(scenes, sides, threads):>17s}" for sides in CHOICES),
            flush=True,
        )
    detector = FaceDetector(threads=threads)
    false_detections = sum(len(f) for name in NO_FACES for f in detector.detect([to_rgb(getattr(data, name)())]))
    print(f"  false detections in {len(NO_FACES)} pictures without a face: {false_detections}")


def to_rgb(picture: Image) -> Image:
    """Convert grey pictures to RGB."""
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)


def measure_recall(scenes: Sequence[tuple[Image, Box]], sides: tuple[int, ...], threads: int) -> str:
    """Measure recall and time of one choice of sides."""
    detector = FaceDetector(threads=threads, sides=sides)
    began = time.perf_counter()
    results = [detector.detect([scene])[0] for scene, _ in scenes]
    spent = (time.perf_counter() - began) / len(scenes) * 1000
    hits = sum(any(overlap(f.box, p) > 0.4 for f in r) for r, (_, p) in zip(results, scenes, strict=True))
    return f"{hits / len(scenes):.2f} ({spent:.0f})"


def reduce_from_half(image: Image, width: int, height: int) -> Image:
    """Resize as the detector did before: the mean down to about twice the size, then bilinearly."""
    resized = PillowImage.fromarray(image).resize((width, height), PillowImage.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(resized)


def reduce_shifted(image: Image, width: int, height: int) -> Image:
    """Resize the same way after a shift by one pixel to the right."""
    return reduce_from_half(np.roll(image, 1, axis=1), width, height)


def report_reduction(people: Sequence[tuple[Image, Box]], threads: int) -> None:
    """Print recall, and how far landmarks move, for ways of reducing a picture to the size that is searched."""
    ways: dict[str, Resize] = {
        "from half": reduce_from_half,
        "by the mean": detector_module._resize,
        "shifted by a pixel": reduce_shifted,
    }
    detector = FaceDetector(threads=threads)
    moved: dict[str, list[float]] = {name: [] for name in ways}
    print(f"\nrecall by face height over picture height, {len(people)} faces x 6 variants")
    print("  share  " + "".join(f"{name:>20s}" for name in ways))
    for share in SHARES:
        scenes = [(scene, box) for picture, face in people for scene, box in scenes_at(picture, face, share)]
        hits = dict.fromkeys(ways, 0)
        for scene, box in scenes:
            faces = {name: detect_reduced(detector, scene, box, resize) for name, resize in ways.items()}
            first = faces["from half"]
            for name, face in faces.items():
                hits[name] += face is not None
                if face is not None and first is not None:
                    shift = np.array([name == "shifted by a pixel", 0])
                    distances = np.linalg.norm(face.landmarks - shift - first.landmarks, axis=1)
                    eyes = np.linalg.norm(first.landmarks[1] - first.landmarks[0])
                    moved[name].append(float(distances.mean() / max(eyes, 1.0)))
        print(f"  {share:5.2f}  " + "".join(f"{count / len(scenes):20.2f}" for count in hits.values()), flush=True)
    for name, shares in moved.items():
        median, most = np.percentile(shares, [50, 95])
        print(f"  {name}: landmarks move by {median:.1%} of the eyes' distance, {most:.1%} at most in 95 of 100")
    frame = people_frame(people)
    for name, resize in ways.items():
        print(f"  {name}: {measure_ms(lambda resize=resize: resize(frame, 320, 180)):.1f} ms")


def scenes_at(picture: Image, face: Box, share: float) -> Iterator[tuple[Image, Box]]:
    """Make the variants of a face at a share of the picture's height, each with the face's box."""
    frame, box = place_face(picture, face, share)
    for scene in make_variants(frame):
        yield scene, box


def detect_reduced(detector: FaceDetector, scene: Image, box: Box, resize: Resize) -> Detection | None:
    """Detect the face of a box in a scene that is reduced in one of the ways; None where it is missed."""
    usual = detector_module._resize
    detector_module._resize = resize
    try:
        faces = detector.detect([scene])[0]
    finally:
        detector_module._resize = usual
    return next((face for face in faces if overlap(face.box, box) > 0.4), None)


def people_frame(people: Sequence[tuple[Image, Box]]) -> Image:
    """Make a frame of the first person."""
    picture, box = people[0]
    return np.asarray(place_face(picture, box, 0.4)[0])


def report_appearance(people: Sequence[tuple[Image, Box]], clips: Path | None, threads: int) -> None:
    """Print the similarity of `appearance` within a person (variants of size, light, focus) and between people."""
    detector = FaceDetector(threads=threads)
    appearances = []
    for picture, box in people:
        variants_of_person = []
        for share in (0.3, 0.5):
            frame, true_box = place_face(picture, box, share)
            for scene in make_variants(frame):
                best = max(detector.detect([scene])[0], key=lambda f: overlap(f.box, true_box), default=None)
                if best is not None and overlap(best.box, true_box) > 0.4:
                    variants_of_person.append(appearance(align_crop(scene, best.landmarks, 96)))
        appearances.append(np.stack(variants_of_person))
    same = np.concatenate([(m @ m.T)[np.triu_indices(len(m), 1)] for m in appearances])
    print("\nlooks: similarity, percentiles 0, 5, 50 of one person: ", np.percentile(same, [0, 5, 50]).round(2))
    if len(appearances) > 1:
        pairs = [(a @ b.T).ravel() for i, a in enumerate(appearances) for b in appearances[i + 1 :]]
        print("  percentiles 50, 95, 100 of two people: ", np.percentile(np.concatenate(pairs), [50, 95, 100]).round(2))
    if clips is not None:
        crops = [(f, detector.detect([f])[0]) for f in load_video_frames(clips)[::6]]
        series = np.stack([appearance(align_crop(f, d[0].landmarks, 96)) for f, d in crops if d])
        print("  lowest within the clip:", (series @ series.T).min().round(2))


def report_crossing() -> None:
    """Print how many of two faces that pass one another keep their track by motion alone."""
    unbroken = total = 0
    for fps in (1, 2, 4, 8):
        for speed in (40, 80, 160, 320):
            tracker = Tracker()
            steps = int(600 / speed * fps)
            ids = [tracker.update(i / fps, make_walkers(i / fps * speed), (900, 480)) for i in range(steps + 1)]
            total += 2
            unbroken += sum(first == last for first, last in zip(ids[0], ids[-1], strict=True))
    print(
        f"\ncrossing by motion alone, faces of 80 px, 40-320 px/s, 1-8 frames/s: {unbroken} of {total} keep their track"
    )


def make_walkers(distance: float) -> list[Detection]:
    """Make two faces of 80 pixels that have moved a distance: one to the right, one to the left and 30 pixels lower."""
    faces = []
    for x, y in ((150 + distance, 200), (750 - distance, 230)):
        faces.append(Detection((x - 40, y - 40, x + 40, y + 40), 0.9, np.zeros((5, 2), np.float32)))
    return faces


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--reduction", action="store_true", help="compare ways of reducing a picture, only")
    args = parser.parse_args()
    detector = FaceDetector(0.6, threads=args.threads, sides=(640,))
    people = [(p, face.box) for p in load_photographs(args.clips) for face in detector.detect([p])[0]]
    if args.reduction:
        report_reduction(people, args.threads)
        return
    report_speed(args.threads)
    report_recall(people, args.threads)
    report_appearance(people, args.clips, args.threads)
    report_crossing()


if __name__ == "__main__":
    main()
