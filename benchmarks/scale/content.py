"""What the benchmark fills an installation with: recordings, and analyses of the size that the shipped model makes."""

from __future__ import annotations

import dataclasses
import struct
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import av
import numpy as np
import recordings
import sounds

from db.records import Consent, JobState, NewTranscript
from db.store import Store
from fer_phq.core.analysis import FaceTable, SessionAnalysis, Settings, Timeline
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.phq import Scale
from fer_phq.features.measures import versioned_measures
from service.jobs.messages import NO_RESULT
from service.settings import AppSettings

NEWEST = datetime(2026, 6, 1, 10, tzinfo=UTC)
CONSENT = Consent(at=NEWEST, by="Dr Bench", text_version="1")
SESSIONS_PER_PERSON = 20
READS_PER_SESSION = 10
"""Entries of the audit that people who look at a session cause."""
UTTERANCES = 600
"""Lines of a transcript of 50 minutes."""
MB = 1e6


def analyse_film(settings: AppSettings, path: Path) -> SessionAnalysis:
    """Analyse a recording with the shipped model, as a worker does."""
    from fer_phq.models.model import load_model
    from fer_phq.pipeline.session import analyze

    return analyze(str(path), load_model(), settings.analysis_settings())


def repeat_analysis(analysis: SessionAnalysis, seconds: float) -> SessionAnalysis:
    """Return an analysis as of a longer recording, in which the present one is seen and heard again and again.

    Args:
        analysis: The analysis of a short recording, with everybody's faces.
        seconds: Length of the long recording.
    """
    timeline = analysis.timeline
    rows = round(seconds * analysis.sampling.fps)
    index = np.arange(rows) % len(timeline)
    long_timeline = Timeline(
        time_s=np.arange(rows) / analysis.sampling.fps,
        emotions=timeline.emotions[index],
        box=timeline.box[index],
        landmarks=timeline.landmarks[index],
        detection_score=timeline.detection_score[index],
        quality=timeline.quality[index],
        end_s=seconds,
    )
    row_of_frame = np.cumsum(timeline.has_face) - 1
    embeddings = analysis.embeddings[row_of_frame[index[long_timeline.has_face]]]
    return dataclasses.replace(
        analysis,
        recording=dataclasses.replace(analysis.recording, duration_s=seconds),
        timeline=long_timeline,
        embeddings=embeddings,
        voice=None if analysis.voice is None else _repeat_series(analysis.voice, seconds),
        faces=None if analysis.faces is None else _repeat_faces(analysis.faces, len(timeline), rows),
    )


def _repeat_series(series: FeatureSeries, seconds: float) -> FeatureSeries:
    assert series.time_s is not None
    step = float(np.median(np.diff(series.time_s)))
    period = float(series.time_s[-1] + step)
    times = np.concatenate([series.time_s + turn * period for turn in range(int(seconds / period) + 1)])
    rows = int(np.searchsorted(times, seconds))
    index = np.arange(rows) % len(series)
    durations = None if series.duration_s is None else series.duration_s[index]
    return dataclasses.replace(series, values=series.values[index], time_s=times[:rows], duration_s=durations)


def _repeat_faces(faces: FaceTable, period: int, rows: int) -> FaceTable:
    turns = -(-rows // period)
    frame = np.concatenate([faces.frame + turn * period for turn in range(turns)])
    index = (np.arange(len(frame)) % len(faces))[frame < rows]
    return FaceTable(
        frame=frame[frame < rows].astype(np.int32),
        track=faces.track[index],
        box=faces.box[index],
        landmarks=faces.landmarks[index],
        detection_score=faces.detection_score[index],
        quality=faces.quality[index],
        embeddings=faces.embeddings[index],
        pictures=faces.pictures,
    )


def film(folder: Path, seconds: int) -> Path:
    """Make a recording of a face that moves and a voice that says vowels, 640x360 with 24 frames a second.

    Args:
        folder: Where it goes.
        seconds: Its length; a multiple of 6.
    """
    path = folder / f"film-of-{seconds}-s.mp4"
    options: dict[str, Any] = {"seconds": 6, "fps": 24, "size": (640, 360), "motion": "moving", "gop": 48}
    turn = recordings.make_recording(folder / "turn.mp4", **options)
    pictures = recordings.loop(turn, folder / "pictures.mp4", seconds // 6)
    sound = sounds.write_sound(folder / "sound.m4a", sounds.talk(180, float(seconds))[0], rate=sounds.RATE)
    with av.open(str(path), "w") as out:
        sources = [av.open(str(part)) for part in (pictures, sound)]
        streams = [out.add_stream_from_template(source.streams[0]) for source in sources]
        packets = []
        for source, stream in zip(sources, streams, strict=True):
            packets += [(float(packet.dts * packet.time_base), packet, stream) for packet in _packets(source)]
        for _, packet, stream in sorted(packets, key=lambda part: part[0]):
            packet.stream = stream
            out.mux(packet)
        for source in sources:
            source.close()
    return path


def _packets(source: Any) -> list[Any]:
    return [packet for packet in source.demux() if packet.dts is not None]


def distinct_recordings(source: Path, folder: Path) -> Iterator[Path]:
    """Yield the same film as ever more files that differ in a box at their end, which players skip.

    Args:
        source: The film.
        folder: Where the files are written; whoever takes one removes it.
    """
    film = source.read_bytes()
    for number in count(1):
        path = folder / f"film-{number}.mp4"
        path.write_bytes(film + struct.pack(">I4sQ", 16, b"free", number))
        yield path


@dataclasses.dataclass(frozen=True)
class Fill:
    """Sessions that were stored.

    Attributes:
        sessions: Their UUIDs.
        subjects: Their subjects' UUIDs.
        save_s: Seconds that the saving of each analysis took.
    """

    sessions: list[str]
    subjects: list[str]
    save_s: list[float]


def fill_store(store: Store, analysis: SessionAnalysis, sessions: int) -> Fill:
    """Store sessions with all that comes of them, by the store's own methods, as ingest, worker and people do.

    Args:
        store: An empty store.
        analysis: The analysis of every session.
        sessions: Their number.
    """
    measures = versioned_measures(analysis, Settings())
    fill = Fill([], [], [])
    for number in range(sessions):
        if number % SESSIONS_PER_PERSON == 0:
            fill.subjects.append(_add_subject(store, number // SESSIONS_PER_PERSON))
        at = NEWEST - timedelta(weeks=number % SESSIONS_PER_PERSON, minutes=number)
        digest = f"{number + 1:064x}"
        recording = dataclasses.replace(analysis.recording, sha256=digest)
        session, job = store.sessions.create_with_job(
            subject_id=fill.subjects[-1],
            recorded_at=at,
            recording=recording,
            original_name=f"session {number}.mp4",
            media_path=f"{digest[-2:]}/{digest}.mp4",
            consent=CONSENT,
            retain_until=at + timedelta(days=365) if number % 2 else None,
            transcript=_transcript(number),
        )
        store.jobs.claim(workflow_id=job.workflow_id, worker="bench-worker-1", claim="claim")
        begin = time.perf_counter()
        analysis_id = store.analyses.save(
            session_id=session.id, analysis=dataclasses.replace(analysis, recording=recording), measures=measures
        )
        fill.save_s.append(time.perf_counter() - begin)
        _settle(store, job.workflow_id, analysis_id, fails=number % 50 == 7)
        _look_at(store, session.id, number)
        fill.sessions.append(session.id)
    return fill


def _add_subject(store: Store, number: int) -> str:
    subject = store.subjects.create(label=f"P-{number:06d}")
    store.subjects.set_tags(subject_id=subject.id, tags=[f"arm {'AB'[number % 2]}", f"site {number % 20 + 1}"])
    store.events.add(subject_id=subject.id, at=NEWEST - timedelta(weeks=10), words="Medication begun")
    for week in range(0, 20, 4):
        items = [(number + week) % 3] * 8 + [int(number % 25 == 0)]
        store.questionnaires.save(
            subject_id=subject.id, scale=Scale.PHQ9, items=items, answered_at=NEWEST - timedelta(weeks=week)
        )
    return subject.id


def _settle(store: Store, workflow_id: str, analysis_id: str, *, fails: bool) -> None:
    state = JobState.FAILED if fails else JobState.DONE
    error = NO_RESULT() if fails else None
    store.jobs.finish(
        workflow_id=workflow_id, claim="claim", state=state, error=error, analysis_id=None if fails else analysis_id
    )


def _look_at(store: Store, session_id: str, number: int) -> None:
    """Read a session as people do, and note something in every other one."""
    for _ in range(READS_PER_SESSION):
        store.audit.add(action="read", object_kind="session", object_id=session_id)
    if number % 2:
        store.notes.add(session_id=session_id, words="Spoke of sleep, and was slower than last week.", time_s=61.5)


def _transcript(number: int) -> NewTranscript:
    lines = ["WEBVTT", ""]
    draw = np.random.default_rng(number)
    words = ["I", "slept", "little", "this", "week", "and", "work", "was", "hard", "but", "my", "sister", "came", "by"]
    for line in range(UTTERANCES):
        stamp = f"{line * 5 // 3600:02d}:{line * 5 // 60 % 60:02d}:{line * 5 % 60:02d}"
        lines += [f"{stamp}.000 --> {stamp}.900", f"<v Patient>{' '.join(draw.choice(words, 12))}", ""]
    return NewTranscript("session.vtt", "\n".join(lines).encode(), "Patient")
