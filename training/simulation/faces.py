"""Faces for simulated recordings: images of a person, or of people who look alike, one an expression.

SOURCE holds them: a folder with a sub-folder for each of the seven emotions, a .parquet file in FER+'s layout, or a
corpus as CORPUS:PATH, such as ferplus:data/ferplus#valid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageOps

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.core.emotions import EMOTIONS, canonical_name
from fer_phq.core.errors import FerPhqError
from fer_phq.faces import FaceDetector, align_crop, appearance
from fer_phq.pipeline.session import CROP_SIDE
from training.emotion.data.corpora import load_faces, parse_source

SIZE = (320, 240)
"""Width and height of the recordings in pixels."""
FACE_SIDE = 144
"""Longer side of a face image in a frame: at 96 to 160 pixels the detector finds 99 % of FER+'s images of 48."""
BACKGROUND = (128, 128, 128)
"""Around an image that fills the frame's middle with a hard edge: a soft edge costs 1 to 3 % of the faces."""
CLEAR = 0.6
"""Share of the votes that a corpus' image must have for its expression."""
SURE = 0.6
"""Lowest detector score of an image that is used: above the analysis' 0.5, for the video is compressed."""
TRIES = 24
"""Images of an expression that are looked at: one that fits is taken, and where no face is in any, there is none."""
SWAY = ((7.0, 4.1), (3.0, 6.7))
"""Pixels to each side and seconds there and back, across and down: a picture that never moves looks like a fault."""
IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")


@dataclass(frozen=True, eq=False)
class Album:
    """Face images by expression.

    source: what it is called. names: of each expression's images, alike for one person's; all empty where nothing tells
    who is who. read: gives the image of an expression (its number in `EMOTIONS`) at a position, uint8 RGB.
    """

    source: str
    names: tuple[tuple[str, ...], ...]
    read: Callable[[int, int], Image]

    def __post_init__(self) -> None:
        missing = [emotion for emotion, names in zip(EMOTIONS, self.names, strict=True) if not names]
        if missing:
            raise FerPhqError(f"{self.source} has no images of {', '.join(missing)}: each of the seven is needed.")


def open_album(source: str) -> Album:
    """The images of a folder or corpus. Raises FerPhqError in one sentence for what is neither."""
    path = Path(source)
    if path.is_dir():
        return _folder_album(path)
    if path.suffix == ".parquet" and path.is_file():
        return _corpus_album(f"ferplus:{source}")
    if ":" not in source:
        raise FerPhqError(f"There are no faces at {source}: name a folder of images by emotion, or CORPUS:PATH.")
    return _corpus_album(source)


def _folder_album(folder: Path) -> Album:
    """Sub-folders with an emotion's name, in any case. Files of one name in several are taken for one person's."""
    files: list[list[Path]] = [[] for _ in EMOTIONS]
    for sub in sorted(folder.iterdir()):
        if sub.is_dir() and canonical_name(sub.name) in EMOTIONS:
            found = sorted(path for path in sub.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
            files[EMOTIONS.index(canonical_name(sub.name))] += found

    def read(emotion: int, position: int) -> Image:
        path = files[emotion][position]
        try:
            with Pillow.open(path) as picture:
                return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
        except (OSError, ValueError, Pillow.DecompressionBombError) as error:
            raise FerPhqError(f"The image {path} cannot be read: {error}.") from None

    return Album(str(folder), tuple(tuple(path.stem.casefold() for path in paths) for paths in files), read)


def _corpus_album(source: str) -> Album:
    """A corpus' images on whose expression most taggers agree; nothing says which are of one person."""
    part = parse_source(source)
    if part.split is None and (Path(part.path) / "train.parquet").is_file():
        part = part.model_copy(update={"split": "train"})
    faces = load_faces(part)
    clear = faces.targets.max(axis=1) >= CLEAR
    pools = [np.flatnonzero(clear & (faces.labels == i)) for i in range(len(EMOTIONS))]

    def read(emotion: int, position: int) -> Image:
        image: Image = faces.crops(pools[emotion][[position]])[0]
        return image

    return Album(source, tuple(("",) * len(pool) for pool in pools), read)


def portrait(image: Image) -> Image:
    """A face image as large as it is shown, enlarged smoothly: uint8 RGB."""
    picture = Pillow.fromarray(image).convert("RGB")
    scale = FACE_SIDE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return np.asarray(picture.resize(size, Pillow.Resampling.LANCZOS))


def frame_of(shown: Image, time_s: float = 0.0) -> Image:
    """A frame with a portrait in its middle, swaying a little: uint8 RGB (height, width, 3) of `SIZE`."""
    frame = Pillow.new("RGB", SIZE, BACKGROUND)
    picture = Pillow.fromarray(shown)
    sway = [round(reach * np.sin(2 * np.pi * time_s / period)) for reach, period in SWAY]
    corner = [(whole - side) // 2 + by for whole, side, by in zip(SIZE, picture.size, sway, strict=True)]
    frame.paste(picture, (corner[0], corner[1]))
    return np.asarray(frame)


def cast(
    album: Album, expressions: npt.NDArray[np.int64], detector: FaceDetector, rng: np.random.Generator
) -> dict[int, Image]:
    """A subject's portrait for each expression that occurs: one person's where names tell, else people who look alike.

    Only images in which our detector finds one face are used. Raises FerPhqError when there is none.
    """
    first, *others = _by_frequency(expressions)
    person = str(rng.choice(album.names[first]))
    seen = {emotion: _audition(album, emotion, person, detector, rng) for emotion in (first, *others)}

    def alike(lead: _Candidate, other: _Candidate) -> tuple[bool, float]:
        return lead.name == other.name, float(lead.looks @ other.looks)

    def nearest(lead: _Candidate, emotion: int) -> _Candidate:
        return max(seen[emotion], key=lambda one: alike(lead, one))

    # Tracking tells people apart by their looks: the one who is least unlike any of the others leads.
    leads = [one for one in seen[first] if one.name == person] or seen[first]
    lead = max(leads, key=lambda one: min([alike(one, nearest(one, emotion)) for emotion in others], default=(True, 1)))
    return {first: lead.portrait} | {emotion: nearest(lead, emotion).portrait for emotion in others}


def _by_frequency(expressions: npt.NDArray[np.int64]) -> list[int]:
    """The expressions that occur, the most frequent first."""
    counts = np.bincount(expressions, minlength=len(EMOTIONS))
    return [int(i) for i in np.argsort(-counts, kind="stable") if counts[i]]


@dataclass(frozen=True, eq=False)
class _Candidate:
    """An image as it will be shown; looks: see `fer_phq.faces.appearance`."""

    name: str
    portrait: Image
    looks: FloatArray


def _audition(
    album: Album, emotion: int, person: str, detector: FaceDetector, rng: np.random.Generator
) -> list[_Candidate]:
    """Images of an expression in which one face is found, of `TRIES` that are looked at: the person's before others."""
    names = album.names[emotion]
    found = []
    order = sorted(rng.permutation(len(names)).tolist(), key=lambda i: names[i] != person)[:TRIES]
    for i in order:
        shown = portrait(album.read(emotion, i))
        frame = frame_of(shown)
        faces = detector.detect([frame])[0]
        if len(faces) == 1 and faces[0].score >= SURE:
            looks = appearance(align_crop(frame, faces[0].landmarks, CROP_SIDE))
            found.append(_Candidate(names[i], shown, looks))
    if not found:
        raise FerPhqError(
            f"No face was found in {len(order)} images of {EMOTIONS[emotion]} from {album.source}: "
            "take images that show one face each, from the front."
        )
    return found
