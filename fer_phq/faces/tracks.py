"""Face tracks: detections linked over time, each track of one person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.faces.detector import Detection, overlap
from fer_phq.faces.recognition import SAME_PERSON, FaceRecognizer, Recognition, is_recognizable
from fer_phq.faces.scenes import Scene, has_cut

KEEP_S = 4.0
"""Seconds for which a track waits for its face to come back near the position where it was lost."""

_REACH = 0.6  # in face sizes: at once, more a second, at most
_SPEED = 1.5
_FARTHEST = 3.0
_GROWTH = 1.6  # ratio of sizes allowed at once; squared after a second and longer
_COAST_S = 0.7  # a face goes on at its last speed no longer than this
_MEMORY = 0.3  # weight of the newest detection in appearance
_UNLIKE, _ALIKE = 0.4, 0.7  # similarity that forbids a link at once; that a link needs after two seconds and later
_NEVER = 1e6
_GRID = 6
_DETAIL = 16  # side in cells of the grey pattern that says whether a crop has changed
_SAME_PATTERN, _SAME_COLOURS = 0.93, 0.96  # of an unchanged crop: pairs of different people reach 0.91 and 0.95
_NEAR_PATTERN, _NEAR_COLOURS = 0.7, 0.85  # of the next crop of a person who moves: 1 of 20 such pairs reaches both
_VIEWS = 8  # recognized crops of a track with which a new one is compared
_CHECK_S = 4.0  # seconds after which a track is recognized again, whatever it looks like
_FEW_CROPS = 4  # below that a track is recognized at every frame that differs, and after a second
_POSE_CHANGE = 0.55  # distance up to which a face that moves on without a cut may be the same person in another pose
_UNSURE_S = 2.0  # seconds after which it must be recognized
_SHORT_S = 1.0  # an absence up to this is a short one


@dataclass(frozen=True, eq=False)
class TrackStats:
    """Statistics of one track.

    Attributes:
        track: Id, from 0 in order of appearance.
        frames: Number of frames with a detection.
        first_s: Time of the first detection in seconds.
        last_s: Time of the last detection in seconds.
        mean_area: Share of the image that the box fills, 0 to 1.
        mean_centrality: 1 in the image's middle, 0 in a corner.
        recognition: Mean vector of the crops that were recognized; None where none was good enough.
        company: Ids of the tracks that were seen in one frame with it; None where unknown.
        shown_s: Seconds for which the frames with a detection were shown; None where unknown.
    """

    track: int
    frames: int
    first_s: float
    last_s: float
    mean_area: float
    mean_centrality: float
    recognition: Recognition | None = None
    company: frozenset[int] | None = None
    shown_s: float | None = None

    @property
    def weight(self) -> float:
        """Seconds shown (else frames) x face size (root of the area share) x 0.5 to 1 for centrality.

        It is what `choose_subject` compares.
        """
        extent = self.frames if self.shown_s is None else self.shown_s
        return extent * math.sqrt(self.mean_area) * (0.5 + 0.5 * self.mean_centrality)

    def overlaps(self, other: TrackStats) -> bool:
        """Return whether the two were in view together, so that they cannot be one person.

        Args:
            other: Another track. Where company is unknown, tracks whose times overlap were in view together.
        """
        if self.company is not None and other.company is not None:
            return other.track in self.company
        return self.first_s <= other.last_s and other.first_s <= self.last_s


@dataclass(frozen=True, eq=False)
class _View:
    """How a crop looks: its colours and its grey pattern, unit vectors."""

    appearance: FloatArray
    pattern: FloatArray

    def is_same(self, other: _View) -> bool:
        """Return whether a crop looks so much the same that it needs not be recognized again."""
        return bool(
            self.pattern @ other.pattern >= _SAME_PATTERN and self.appearance @ other.appearance >= _SAME_COLOURS
        )

    def is_near(self, other: _View) -> bool:
        """Return whether a crop looks as the next one of a person who moves may look."""
        return bool(
            self.pattern @ other.pattern >= _NEAR_PATTERN and self.appearance @ other.appearance >= _NEAR_COLOURS
        )


@dataclass(eq=False)
class _Face:
    """A detection in the newest frame, and what is computed of it when it is needed."""

    detection: Detection
    appearance: FloatArray | None = None
    view: _View | None = None
    is_recognizable: bool = False
    recognition: Recognition | None = None


@dataclass(eq=False)
class _Track:
    """Running sums and the last detection: the same few numbers however long the track."""

    track: int
    last: Detection
    first_s: float
    last_s: float
    frames: int = 0
    area: float = 0.0
    centrality: float = 0.0
    shown_s: float = 0.0
    speed: tuple[float, float] = (0.0, 0.0)
    appearance: FloatArray | None = None
    recognition: Recognition | None = None
    recognized_s: float = -math.inf
    sure_s: float = -math.inf
    views: list[_View] = field(default_factory=list)
    last_view: _View | None = None
    scene: Scene | None = None
    absent_s: float | None = None
    company: set[int] = field(default_factory=set)

    def add(self, time_s: float, face: _Face, frame_size: tuple[int, int], scene: Scene | None) -> None:
        detection, vector = face.detection, face.appearance
        gap = time_s - self.last_s
        if self.frames and gap > 0:
            speed_x = (detection.centre[0] - self.last.centre[0]) / gap
            speed_y = (detection.centre[1] - self.last.centre[1]) / gap
            share = 0.5 if gap <= 1 else 1.0  # after a long gap, the earlier speed no longer holds
            self.speed = (
                (1 - share) * self.speed[0] + share * speed_x,
                (1 - share) * self.speed[1] + share * speed_y,
            )
        self.last = detection
        self.last_s = time_s
        self.absent_s = None
        self.scene = scene
        self.last_view = face.view
        self.frames += 1
        self.area += detection.size**2 / (frame_size[0] * frame_size[1])
        eccentricity = math.dist(detection.centre, (frame_size[0] / 2, frame_size[1] / 2))
        self.centrality += max(0.0, 1 - eccentricity / (math.hypot(*frame_size) / 2))
        if vector is not None:
            known = self.appearance
            self.appearance = vector if known is None else _unit((1 - _MEMORY) * known + _MEMORY * vector)

    def add_recognition(self, time_s: float, face: _Face) -> None:
        """Count a recognized face of this person."""
        assert face.recognition is not None
        assert face.view is not None
        self.recognition = face.recognition if self.recognition is None else self.recognition.merged(face.recognition)
        self.recognized_s = time_s
        self.sure_s = time_s
        self.views = [*self.views, face.view][-_VIEWS:]

    def looks_same(self, view: _View) -> bool:
        """Return whether a crop looks the same as one of those that were recognized."""
        return any(known.is_same(view) for known in self.views)

    def expected_centre(self, time_s: float) -> tuple[float, float]:
        coast = min(max(0.0, time_s - self.last_s), _COAST_S)
        return self.last.centre[0] + self.speed[0] * coast, self.last.centre[1] + self.speed[1] * coast

    def stats(self, shown_s: float) -> TrackStats:
        return TrackStats(
            track=self.track,
            frames=self.frames,
            first_s=self.first_s,
            last_s=self.last_s,
            mean_area=self.area / self.frames,
            mean_centrality=self.centrality / self.frames,
            recognition=self.recognition,
            company=frozenset(self.company),
            shown_s=shown_s,
        )


class Tracker:
    """Assigns each detection the track of its person, frame by frame.

    Detections and tracks are matched as a whole (Hungarian method) on how far a face is from where its track would
    be, in face sizes, on size and on appearance. The reach grows with the time since the track's last detection. Within
    a frame every face has its own track, so faces in the same frame are never one person.

    With a recognizer, such a match holds only while the crop looks as one that was recognized before. Where it looks
    different, and every few seconds, the face is recognized. After a cut or a long absence place says nothing: the
    track goes on only where the network is sure (`SAME_PERSON`), anywhere in the picture. Without a cut it may go on
    for two seconds in which the network is not sure, while the face changes little from frame to frame.
    """

    def __init__(
        self, keep_s: float = KEEP_S, recognizer: FaceRecognizer | None = None, bar: float = SAME_PERSON
    ) -> None:
        """Start without tracks.

        Args:
            keep_s: Seconds after which a track without detections is closed. Only a recognizer opens it again.
            recognizer: Tells people apart; without it only place and appearance do.
            bar: Largest distance of recognitions at which a face is surely of a track's person.
        """
        self._bar = bar
        self._keep_s = keep_s
        self._recognizer = recognizer
        self._open: list[_Track] = []
        self._closed: list[_Track] = []
        self._next = 0
        self._in_view: list[_Track] = []
        self._time_s = 0.0

    def update(
        self,
        time_s: float,
        detections: Sequence[Detection],
        frame_size: tuple[int, int],
        crops: Sequence[Image] | None = None,
        picture: Image | None = None,
        scene: Scene | None = None,
    ) -> list[int]:
        """Assign the detections of the next frame to tracks.

        Args:
            time_s: Time of the frame in seconds; frames come in order of time.
            detections: The faces of the frame.
            frame_size: (width, height) in pixels of the image in which they were detected.
            crops: Their aligned crops, in the same order. With them people are distinguished by appearance too, which
                matters when they cross or replace one another.
            picture: The image, uint8 RGB. The recognizer needs it and the crops.
            scene: The image's coarse copy, where it was made already.

        Returns:
            The track id of each detection.
        """
        self._count_time(time_s)
        self._close(time_s)
        faces = [_Face(detection) for detection in detections]
        if crops is not None:
            for face, crop in zip(faces, crops, strict=True):
                face.appearance = appearance(crop)
        if self._recognizer is None or picture is None or crops is None:
            scene = None
        else:
            scene = scene or Scene.of(picture)
            for face, crop in zip(faces, crops, strict=True):
                assert face.appearance is not None
                face.view = _View(face.appearance, _pattern(crop))
                face.is_recognizable = is_recognizable(face.detection, frame_size)
        matches = self._match(time_s, faces)
        if scene is not None and picture is not None:
            matches = {
                i: track for i, track in matches.items() if self._continues(track, time_s, faces[i], scene, picture)
            }
            matches |= self._match_persons(faces, matches, time_s, picture)
        for i, face in enumerate(faces):
            if i not in matches:
                matches[i] = self._start(time_s, face, picture if scene is not None else None)
            matches[i].add(time_s, face, frame_size, scene)
        self._in_view = [matches[i] for i in range(len(faces))]
        ids = [track.track for track in self._in_view]
        for track in self._in_view:
            track.company.update(i for i in ids if i != track.track)
        for track in self._open:
            if track.absent_s is None and track.last_s < time_s:
                track.absent_s = time_s
        return ids

    def tracks(self, end_s: float | None = None) -> list[TrackStats]:
        """Return the statistics of all tracks so far, ordered by id.

        Args:
            end_s: When the last frame ends in seconds; at its time when omitted.
        """
        held_s = 0.0 if end_s is None else max(0.0, end_s - self._time_s)
        rows = [
            track.stats(track.shown_s + held_s * (track in self._in_view)) for track in [*self._closed, *self._open]
        ]
        return sorted(rows, key=lambda t: t.track)

    def _count_time(self, time_s: float) -> None:
        """Count the time until this frame for the tracks of the frame before."""
        for track in self._in_view:
            track.shown_s += max(0.0, time_s - self._time_s)
        self._time_s = time_s

    def _match(self, time_s: float, faces: Sequence[_Face]) -> dict[int, _Track]:
        """Match faces and open tracks by place, size and appearance."""
        if not faces or not self._open:
            return {}
        cost = np.array([[_cost(track, time_s, face) for track in self._open] for face in faces])
        pairs = _assign(cost)
        return {int(i): self._open[j] for i, j in pairs if cost[i, j] < _NEVER}

    def _continues(self, track: _Track, time_s: float, face: _Face, scene: Scene, picture: Image) -> bool:
        """Return whether a face in a track's place is that of its person, and count what was recognized."""
        assert face.view is not None
        is_due = time_s - track.recognized_s >= (_CHECK_S if _crops(track) >= _FEW_CROPS else _SHORT_S)
        if not (is_due and face.is_recognizable) and track.looks_same(face.view):
            track.sure_s = time_s
            return True
        absence = 0.0 if track.absent_s is None else time_s - track.absent_s
        is_sudden = absence > _SHORT_S or time_s - track.last_s > 2 * _SHORT_S or track.scene is None
        if not is_sudden and track.scene is not None:
            is_sudden = has_cut(track.scene, scene, (track.last.box, face.detection.box))
        is_near = not is_sudden and track.last_view is not None and track.last_view.is_near(face.view)
        if not face.is_recognizable:
            return is_near or (track.last_view is not None and track.last_view.is_same(face.view))
        recognition = self._recognize(face, picture)
        distance = math.inf if track.recognition is None else track.recognition.distance(recognition)
        if distance <= self._bar or (track.recognition is None and is_near):
            track.add_recognition(time_s, face)
            return True
        # Another pose of the same person, perhaps: it must soon be sure again.
        return is_near and distance <= _POSE_CHANGE and time_s - track.sure_s <= _UNSURE_S

    def _match_persons(
        self, faces: Sequence[_Face], matches: dict[int, _Track], time_s: float, picture: Image
    ) -> dict[int, _Track]:
        """Match the faces without a track to all tracks that are not in view, by recognition alone."""
        taken = set(map(id, matches.values()))
        free = [t for t in [*self._open, *self._closed] if id(t) not in taken and t.recognition is not None]
        loose = [i for i, face in enumerate(faces) if i not in matches and face.is_recognizable]
        if not free or not loose:
            return {}
        rows = [[_distance(track, self._recognize(faces[i], picture)) for track in free] for i in loose]
        cost = np.array(rows)
        cost[cost > self._bar] = _NEVER
        persons = {}
        for row, column in _assign(cost):
            if cost[row, column] < _NEVER:
                track, i = free[column], loose[row]
                persons[i] = track
                track.add_recognition(time_s, faces[i])
                if track in self._closed:
                    self._closed.remove(track)
                    self._open.append(track)
        return persons

    def _recognize(self, face: _Face, picture: Image) -> Recognition:
        assert self._recognizer is not None
        if face.recognition is None:
            face.recognition = self._recognizer.recognize(picture, face.detection.landmarks)
        return face.recognition

    def _start(self, time_s: float, face: _Face, picture: Image | None) -> _Track:
        track = _Track(self._next, face.detection, time_s, time_s)
        self._next += 1
        self._open.append(track)
        if picture is not None and face.is_recognizable:
            self._recognize(face, picture)
            track.add_recognition(time_s, face)
        return track

    def _close(self, time_s: float) -> None:
        """Close the tracks whose face was absent for long. A picture that is held shows it as long as it is held."""
        ended = []
        for track in self._open:
            since = track.last_s if self._recognizer is None else track.absent_s
            if since is not None and time_s - since > self._keep_s:
                track.scene = None
                ended.append(track)
        self._closed += ended
        self._open = [track for track in self._open if track not in ended]


def _crops(track: _Track) -> int:
    return 0 if track.recognition is None else track.recognition.crops


def _distance(track: _Track, recognition: Recognition) -> float:
    return _NEVER if track.recognition is None else track.recognition.distance(recognition)


def _assign(cost: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """Assign rows to columns, each at most once, so that the sum of their costs is least."""
    if min(cost.shape) == 1:
        row, column = np.unravel_index(int(cost.argmin()), cost.shape)
        return [(int(row), int(column))]
    from scipy.optimize import linear_sum_assignment  # takes a fifth of a second, which one face need not wait for

    rows, columns = linear_sum_assignment(cost)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def _cost(track: _Track, time_s: float, face: _Face) -> float:
    """Compute how unlikely it is that a detection continues a track: 0 is perfect, `_NEVER` is excluded."""
    detection, vector = face.detection, face.appearance
    gap = max(0.0, time_s - track.last_s)
    size = math.sqrt(max(1e-6, track.last.size * detection.size))
    # A person goes on moving, or stops: the nearer of the two positions counts.
    coasting = math.dist(detection.centre, track.expected_centre(time_s)) / size
    distance = min(coasting, math.dist(detection.centre, track.last.centre) / size)
    reach = min(_REACH + _SPEED * gap, _FARTHEST)
    growth = abs(math.log(max(detection.size, 1e-3) / max(track.last.size, 1e-3)))
    allowed = math.log(_GROWTH) * (1 + min(gap, 1.0))
    if distance > reach or growth > allowed:
        return _NEVER
    cost = 0.5 * (distance + coasting) / reach + 0.5 * growth / allowed
    cost += 0.5 * (1 - overlap(track.last.box, detection.box))
    if vector is not None and track.appearance is not None:
        similarity = float(vector @ track.appearance)
        if similarity < _UNLIKE + (_ALIKE - _UNLIKE) * min(gap / 2, 1.0):
            return _NEVER
        cost += 3 * (1 - similarity)
    return cost


def appearance(crop: Image) -> FloatArray:
    """Describe coarsely how a person looks. The dot product of two such vectors is their similarity, -1 to 1.

    The vector is the logarithm of each colour of the aligned crop in 6 x 6 cells, less the mean brightness: hair, skin,
    clothing and background, little changed by light and expression. It serves to link detections within one recording,
    not to identify people: over a short clip one person stayed above 0.93, and 19 of 20 times above 0.71 when light,
    focus and colour were spoilt; 19 of 20 pairs of different people lay below 0.67, the closest at 0.85
    (`benchmarks/bench_faces.py`).

    Args:
        crop: Aligned crop, uint8 RGB (s, s, 3).

    Returns:
        (108,) float32 unit vector.
    """
    cells = np.asarray(PillowImage.fromarray(crop).resize((_GRID, _GRID), PillowImage.Resampling.BOX), np.float32)
    values = np.log(cells / 255 + 0.08)
    return _unit((values - values.mean()).ravel())


def _pattern(crop: Image) -> FloatArray:
    """Describe a crop's grey pattern, (256,) float32 unit vector without its mean: expression and pose change it."""
    small = PillowImage.fromarray(crop).convert("L").resize((_DETAIL, _DETAIL), PillowImage.Resampling.BOX)
    values = np.asarray(small, np.float32)
    return _unit((values - values.mean()).ravel())


def _unit(values: FloatArray) -> FloatArray:
    unit: FloatArray = (values / max(float(np.linalg.norm(values)), 1e-6)).astype(np.float32)
    return unit
