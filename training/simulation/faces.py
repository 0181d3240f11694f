"""Faces for simulated recordings: for each expression an image of one person, or of people who look alike.

The analysis tells people apart. Where nothing names a person, as in FER+, it finds several in a recording, and the
subject's series is the one that is seen most: only images of named people give a series of the whole recording.

The images come from a SOURCE: a folder with a sub-folder for each of the seven emotions, a .parquet file in FER+'s
layout, or a corpus as CORPUS:PATH, such as ferplus:data/ferplus#valid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageOps

from fer_phq.core.arrays import Image
from fer_phq.core.emotions import EMOTIONS, canonical_name
from fer_phq.core.errors import FerPhqError
from fer_phq.faces import FaceDetector, FaceRecognizer, Recognition
from training.emotion.data.corpora import load_faces, parse_source
from training.simulation import messages

SIZE = (320, 240)
"""Width and height of the recordings in pixels."""
FACE_SIDE = 144
"""Longer side of a face image in a frame. At 96 to 160 pixels the detector finds 99 % of FER+'s images of 48."""
BACKGROUND = (128, 128, 128)
"""Colour around the image in the frame's middle. Its edge is hard: a soft one costs 1 to 3 % of the faces."""
MIN_VOTE_SHARE = 0.6
"""Lowest share of the votes for its expression that an image of a corpus must have."""
MIN_SCORE = 0.6
"""Lowest detector score of an image. It is above the analysis' 0.5, since the video is compressed."""
MAX_CANDIDATES = 24
"""Largest number of images of an expression that are tried."""
SWAY = ((7.0, 4.1), (3.0, 6.7))
"""Reach in pixels and period in seconds, across and down: a picture that never moves looks like a fault."""
IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")


@dataclass(frozen=True, eq=False)
class Album:
    """Face images by expression.

    Attributes:
        source: Its name in messages.
        names: Names of each expression's images; images of one person have the same name. All names are empty where
            nothing says who is who.
        read: Reads the image of an expression (its index in `EMOTIONS`) at a position, uint8 RGB.
    """

    source: str
    names: tuple[tuple[str, ...], ...]
    read: Callable[[int, int], Image]

    def __post_init__(self) -> None:
        """Raise FerPhqError where an expression has no images."""
        missing = [emotion for emotion, names in zip(EMOTIONS, self.names, strict=True) if not names]
        if missing:
            raise FerPhqError(messages.EMOTIONS_MISSING(source=self.source, emotions=tuple(missing)))


def open_album(source: str) -> Album:
    """Open the images of a folder or a corpus.

    Args:
        source: SOURCE, see the module.

    Raises:
        FerPhqError: It is neither, or lacks images of an expression.
    """
    path = Path(source)
    if path.is_dir():
        return _folder_album(path)
    if path.suffix == ".parquet" and path.is_file():
        return _corpus_album(f"ferplus:{source}")
    if ":" not in source:
        raise FerPhqError(messages.NO_FACES(source=source))
    return _corpus_album(source)


def _folder_album(folder: Path) -> Album:
    """Open sub-folders with an emotion's name, in any case. Files of the same name are taken for one person's."""
    files: list[list[Path]] = [[] for _ in EMOTIONS]
    for sub in sorted(folder.iterdir()):
        if sub.is_dir() and canonical_name(sub.name) in EMOTIONS:
            images = sorted(path for path in sub.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
            files[EMOTIONS.index(canonical_name(sub.name))] += images

    def read(emotion: int, position: int) -> Image:
        path = files[emotion][position]
        try:
            with Pillow.open(path) as picture:
                return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
        except (OSError, ValueError, Pillow.DecompressionBombError) as error:
            raise FerPhqError(messages.IMAGE_UNREADABLE(path=str(path), error=str(error))) from None

    return Album(str(folder), tuple(tuple(path.stem.casefold() for path in paths) for paths in files), read)


def _corpus_album(source: str) -> Album:
    """Open the images of a corpus on whose expression most taggers agree; nothing says which are of one person."""
    part = parse_source(source)
    if part.split is None and (Path(part.path) / "train.parquet").is_file():
        part = part.model_copy(update={"split": "train"})
    faces = load_faces(part)
    clear = faces.targets.max(axis=1) >= MIN_VOTE_SHARE
    pools = [np.flatnonzero(clear & (faces.labels == i)) for i in range(len(EMOTIONS))]

    def read(emotion: int, position: int) -> Image:
        image: Image = faces.crops(pools[emotion][[position]])[0]
        return image

    return Album(source, tuple(("",) * len(pool) for pool in pools), read)


def enlarge_portrait(image: Image) -> Image:
    """Enlarge a face image, uint8 RGB, smoothly to the size that it has in a frame."""
    picture = Pillow.fromarray(image).convert("RGB")
    scale = FACE_SIDE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return np.asarray(picture.resize(size, Pillow.Resampling.LANCZOS))


def draw_frame(portrait: Image, time_s: float = 0.0) -> Image:
    """Draw a frame with a portrait in its middle, which sways a little.

    Args:
        portrait: uint8 RGB, from `enlarge_portrait`.
        time_s: Time of the frame in seconds.

    Returns:
        uint8 RGB (height, width, 3) of `SIZE`.
    """
    frame = Pillow.new("RGB", SIZE, BACKGROUND)
    picture = Pillow.fromarray(portrait)
    sway = [round(reach * np.sin(2 * np.pi * time_s / period)) for reach, period in SWAY]
    corner = [(whole - side) // 2 + by for whole, side, by in zip(SIZE, picture.size, sway, strict=True)]
    frame.paste(picture, (corner[0], corner[1]))
    return np.asarray(frame)


def choose_portraits(
    album: Album, expressions: npt.NDArray[np.int64], detector: FaceDetector, rng: np.random.Generator
) -> dict[int, Image]:
    """Choose a subject's portrait for each expression that occurs.

    All are of one person where names say so, else of people who look alike. Only images in which our detector finds one
    face are used.

    Args:
        album: The images.
        expressions: (frames,) int64, indices into `EMOTIONS`.
        detector: Finds the faces.
        rng: Draws the person and the images.

    Returns:
        The portrait, uint8 RGB, of each expression by its index.

    Raises:
        FerPhqError: An expression has no image with a face.
    """
    first, *rest = _by_frequency(expressions)
    person = str(rng.choice(album.names[first]))
    candidates = {emotion: _find_candidates(album, emotion, person, detector, rng) for emotion in (first, *rest)}

    def likeness(lead: _Candidate, candidate: _Candidate) -> tuple[bool, float]:
        return lead.name == candidate.name, -lead.recognition.distance(candidate.recognition)

    def find_nearest(lead: _Candidate, emotion: int) -> _Candidate:
        return max(candidates[emotion], key=lambda candidate: likeness(lead, candidate))

    def worst_likeness(lead: _Candidate) -> tuple[bool, float]:
        return min([likeness(lead, find_nearest(lead, emotion)) for emotion in rest], default=(True, 0.0))

    # Tracking tells people apart by recognition: the one who is least unlike any of the others leads.
    leads = [candidate for candidate in candidates[first] if candidate.name == person] or candidates[first]
    lead = max(leads, key=worst_likeness)
    return {first: lead.portrait} | {emotion: find_nearest(lead, emotion).portrait for emotion in rest}


def _by_frequency(expressions: npt.NDArray[np.int64]) -> list[int]:
    """List the expressions that occur, the most frequent first."""
    counts = np.bincount(expressions, minlength=len(EMOTIONS))
    return [int(i) for i in np.argsort(-counts, kind="stable") if counts[i]]


@dataclass(frozen=True, eq=False)
class _Candidate:
    """An image as large as in a frame, and what the recognition network says of it."""

    name: str
    portrait: Image
    recognition: Recognition


def _find_candidates(
    album: Album, emotion: int, person: str, detector: FaceDetector, rng: np.random.Generator
) -> list[_Candidate]:
    """Find images of an expression with one face among `MAX_CANDIDATES`; the person's are tried first."""
    names = album.names[emotion]
    candidates = []
    recognizer = FaceRecognizer()
    order = sorted(rng.permutation(len(names)).tolist(), key=lambda i: names[i] != person)[:MAX_CANDIDATES]
    for i in order:
        portrait = enlarge_portrait(album.read(emotion, i))
        frame = draw_frame(portrait)
        faces = detector.detect([frame])[0]
        if len(faces) == 1 and faces[0].score >= MIN_SCORE:
            candidates.append(_Candidate(names[i], portrait, recognizer.recognize(frame, faces[0].landmarks)))
    if not candidates:
        raise FerPhqError(messages.NO_FACE_IN_IMAGES(images=len(order), emotion=EMOTIONS[emotion], source=album.source))
    return candidates
