"""Recording in, `SessionAnalysis` out: sample -> detect, track, align -> embed; listen; emotions -> PHQ estimate.

Frames stream through in chunks; what is kept of a frame is a row of numbers, so memory is bounded by the chunk.
Every face is embedded as it passes, and the subject's track is chosen at the end, when all tracks are known.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from fer_phq.core.analysis import (
    Progress,
    ProgressHook,
    RecordingInfo,
    SessionAnalysis,
    Settings,
    Step,
    check_face,
    usable_features,
)
from fer_phq.core.arrays import FloatArray, Image
from fer_phq.core.messages import Message, literal
from fer_phq.core.phq import PhqUnavailable, UnavailableReason
from fer_phq.core.sidecar import Sidecar
from fer_phq.faces import FaceDetector, Tracker, align_crop, crop_quality
from fer_phq.models.model import FerPhqModel, load_model
from fer_phq.pipeline.faces import FaceObservation, FaceObservations, StageTimer, SubjectFaces
from fer_phq.pipeline.speech import extract_speech, load_sidecar
from fer_phq.video import Frame, FrameStream, probe, sample_frames

CROP_SIDE = 96
"""Side in pixels of an aligned crop: twice what the shipped backbone takes, so that it can be looked at too."""


def analyze(
    path: str | os.PathLike[str],
    model: FerPhqModel | None = None,
    settings: Settings | None = None,
    on_progress: ProgressHook | None = None,
    sidecar: Sidecar | None = None,
) -> SessionAnalysis:
    """Analyse one recording.

    model: from `load_model`; the active bundle when omitted. settings: see `Settings`. on_progress is called after
    every chunk and may raise `AnalysisCancelled`. beside: a transcript, or sound of its own. Raises RecordingError in
    one sentence for a file that cannot be analysed, FerPhqError for one beside it; a recording without any face is a
    result (coverage 0), not an error.
    """
    model = model or load_model()
    settings = settings or Settings()
    sidecar = sidecar or Sidecar()
    recording = probe(path)
    digest = sidecar.digest()
    watch = StageTimer()
    told = load_sidecar(sidecar)  # a name that is misspelt is told before the work, not after it
    subject, warnings = extract_faces(recording, model, settings, watch, on_progress)

    def heard_until(time_s: float) -> None:
        if on_progress:
            on_progress(Progress(Step.SOUND, time_s, None if sidecar.audio else recording.duration_s))

    with watch.measure("listen"):
        heard = extract_speech(recording, told, heard_until)
    with watch.measure("heads"):
        timeline = subject.timeline(model.classify(subject.embeddings))
    analysis = SessionAnalysis(
        recording=recording,
        model_id=model.model_id,
        sampling=settings.sampling,
        timeline=timeline,
        embeddings=subject.embeddings,
        phq=PhqUnavailable(UnavailableReason.NO_HEAD),
        tracks=subject.tracks,
        warnings=(*warnings, *map(literal, (*subject.warnings(settings), *heard.warnings))),
        timing=watch.timing(),
        face_kind=model.face_kind,
        voice=heard.voice,
        words=heard.words,
        sidecar_digest=digest,
    )
    return with_estimate(analysis, model, settings)


def extract_faces(
    recording: RecordingInfo,
    model: FerPhqModel,
    settings: Settings,
    watch: StageTimer,
    on_progress: ProgressHook | None,
) -> tuple[SubjectFaces, tuple[Message, ...]]:
    """The subject's faces in the sampled frames with their embeddings, and warnings of the decoder's."""
    detector = FaceDetector(settings.detection_threshold)
    tracker = Tracker()
    seen = FaceObservations(recording, model.dim)
    # How many key frames there are is not known before they are read.
    expected = 0 if settings.sampling.key_frames else round(recording.duration_s * settings.sampling.fps)
    with sample_frames(recording.path, settings.sampling, max_side=settings.max_side) as stream:
        for frames in chunks(stream, settings.chunk_frames, watch):
            with watch.measure("detect"):
                sightings, crops = find_faces(frames, detector, tracker, first_index=len(seen))
            with watch.measure("embed"):
                embeddings = model.embed(crops)
            seen.add([frame.time_s for frame in frames], sightings, embeddings)
            if on_progress:
                on_progress(Progress(Step.FACES, len(seen), max(len(seen), expected) if expected else None))
    return seen.of_subject(tracker.tracks(), settings.track), tuple(stream.warnings)


@dataclass(frozen=True, eq=False)
class Face:
    """One face of a picture: box (x0, y0, x1, y1) in its pixels, detection score 0-1, emotions (7,), the crop."""

    box: tuple[float, float, float, float]
    detection_score: float
    emotions: FloatArray
    quality: float
    crop: Image


def analyze_image(rgb: Image, model: FerPhqModel | None = None, threshold: float = 0.5) -> list[Face]:
    """The faces of one uint8 RGB picture (h, w, 3), best detection first. Raises ValueError for anything else."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ValueError(f"A picture must be uint8 RGB (h, w, 3), got {rgb.dtype} {rgb.shape}.")
    model = model or load_model()
    found = sorted(FaceDetector(threshold).detect([rgb])[0], key=lambda face: -face.score)
    crops = [align_crop(rgb, face.landmarks, CROP_SIDE) for face in found]
    emotions = model.predict_emotions(crops)
    size = (rgb.shape[1], rgb.shape[0])
    return [
        Face(face.box, face.score, emotions[i], crop_quality(crops[i], face, size), crops[i])
        for i, face in enumerate(found)
    ]


def find_faces(
    frames: Sequence[Frame], detector: FaceDetector, tracker: Tracker, first_index: int
) -> tuple[list[FaceObservation], list[Image]]:
    """Every face in a chunk, linked to its track, with its aligned crop; `first_index` counts sampled frames."""
    sightings = []
    crops = []
    for index, (frame, found) in enumerate(zip(frames, detector.detect([f.rgb for f in frames]), strict=True)):
        size = (frame.rgb.shape[1], frame.rgb.shape[0])
        aligned = [align_crop(frame.rgb, face.landmarks, CROP_SIDE) for face in found]
        crops += aligned
        linked = tracker.update(frame.time_s, found, size, aligned)
        for face, crop, track in zip(found, aligned, linked, strict=True):
            quality = crop_quality(crop, face, size)
            sightings.append(FaceObservation(first_index + index, track, face.scaled(frame.scale), quality))
    return sightings, crops


def chunks(stream: FrameStream, size: int, watch: StageTimer) -> Iterator[list[Frame]]:
    """Up to `size` frames at a time; the waiting counts as decoding."""
    while True:
        with watch.measure("decode"):
            frames = list(islice(stream, size))
        if not frames:
            return
        yield frames


def with_estimate(analysis: SessionAnalysis, model: FerPhqModel, settings: Settings) -> SessionAnalysis:
    """The analysis with this model's id and PHQ estimate, or with the reason why it must not have one.

    The model must have made the embeddings, or share the backbone that did. A face that was seen too little does not
    count; the voice and the words still may.
    """
    phq = model.estimate_phq(usable_features(analysis, settings))
    fault = check_face(analysis, settings)
    if fault is not None and isinstance(phq, PhqUnavailable):
        phq = fault
    return replace(analysis, model_id=model.model_id, phq=phq)
