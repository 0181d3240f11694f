"""The client: one method for each thing that a script asks of the server."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack, cast
from urllib.parse import quote

from fer_phq_client.answers import (
    Analysis,
    ChosenSpeaker,
    FaceTrack,
    Job,
    NewSession,
    Prediction,
    Series,
    Session,
    SessionTranscript,
    Speaker,
    Subject,
    Trends,
    WaitingTranscript,
)
from fer_phq_client.connection import Connection, Options
from fer_phq_client.sending import send_recording
from fer_phq_client.tables import read_table, table_format, trend_table

if TYPE_CHECKING:
    import pandas as pd

Picture = bytes | str | PathLike[str]
"""A picture: the bytes of its file, or the file."""
Days = tuple[date, date]
"""First and last day of a period, both within it."""


class Client:
    """A client of one server. Every read of a person's data is in the server's audit.

    Every method raises ProblemError where the server refuses, and IncompleteError where no whole answer came.
    """

    def __init__(self, url: str, token: str | None = None, **options: Unpack[Options]) -> None:
        """Take the address; nothing is sent yet. The arguments, and what is raised, are those of `Connection`."""
        self._connection = Connection(url, token, **options)

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def predict(self, pictures: Picture | Sequence[Picture]) -> Prediction:
        """Find the faces of pictures and the expressions that the model reads in them. Nothing is stored.

        Args:
            pictures: One picture or several, at most 32.
        """
        batch = [pictures] if isinstance(pictures, bytes | str | PathLike) else list(pictures)
        contents = [picture if isinstance(picture, bytes) else Path(picture).read_bytes() for picture in batch]
        files = [("file", (f"{number}", content)) for number, content in enumerate(contents)]
        return cast(Prediction, self._connection.send("POST", "/v1/predict", files=files).json())

    def upload(
        self,
        recording: str | PathLike[str],
        *,
        subject_id: str,
        recorded_at: datetime,
        consent_by: str,
        transcript: str | PathLike[str] | None = None,
        speaker: str | None = None,
        **more: str | float,
    ) -> NewSession:
        """Send a recording, which becomes a session whose analysis is queued. It goes on where the connection was cut.

        Args:
            recording: The file.
            subject_id: The subject, who must exist.
            recorded_at: When it was recorded, timezone-aware.
            consent_by: Who noted that the person agreed.
            transcript: The file of its transcript; None without any.
            speaker: Who of the transcript's speakers is the subject; None where it says so itself.
            **more: What the server takes beside: `consent_version`, `keep_days`, `filename`, and how the recording is
                analysed: `fps`, `key_frames`, `face_rate`, `speech`, `track`, `sound_track`, `sound_channel`, and
                `priority`, which is `batch` for what may wait until nobody else does.

        Raises:
            ValueError: The date has no time zone, a speaker is named without a transcript, or the file became shorter
                while it was sent.
            ProblemError: The server refuses.
            IncompleteError: The connection was cut too often, or the server was busy with the upload for too long.
        """
        if recorded_at.tzinfo is None:
            raise ValueError("When a recording was made needs a time zone.")
        if speaker is not None and transcript is None:
            raise ValueError("A speaker is named, and no transcript is sent in which to look for them.")
        path = Path(recording)
        facts = {"subject_id": subject_id, "recorded_at": recorded_at.isoformat(), "consent_by": consent_by}
        if transcript is not None:
            facts["transcript"] = self.send_transcript(transcript, subject_id=subject_id, speaker=speaker)["id"]
        wishes = {name: str(value) for name, value in more.items()}
        return send_recording(self._connection, path, {"filename": path.name, **facts, **wishes})

    def send_transcript(
        self, transcript: str | PathLike[str], *, subject_id: str, speaker: str | None = None
    ) -> WaitingTranscript:
        """Send the transcript of a recording that is uploaded next; `upload` does both.

        Args:
            transcript: The file.
            subject_id: The subject of the recording.
            speaker: Who of the transcript's speakers is the subject; None where it says so itself.
        """
        body = {"subject_id": subject_id, **_transcript_body(Path(transcript), speaker)}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        answer = self._connection.send("POST", "/v1/uploads/transcripts", json=body, headers=headers)
        return cast(WaitingTranscript, answer.json())

    def subjects(self) -> Iterator[Subject]:
        """Yield the subjects that the account may see, in the order in which they were added."""
        return cast("Iterator[Subject]", self._connection.pages("/v1/subjects"))

    def subject(self, subject_id: str) -> Subject:
        """Load a subject."""
        return cast(Subject, self._connection.get(f"/v1/subjects/{_part(subject_id)}").json())

    def sessions(self, subject_id: str | None = None, **filters: str) -> Iterator[Session]:
        """Yield sessions, the last recorded first.

        Args:
            subject_id: Those of this subject alone; None for all.
            **filters: What the server's route takes: `since`, `until`, `state`.
        """
        return cast("Iterator[Session]", self._connection.pages("/v1/sessions", subject=subject_id, **filters))

    def session(self, session_id: str) -> Session:
        """Load a session."""
        return cast(Session, self._connection.get(f"/v1/sessions/{_part(session_id)}").json())

    def transcript(self, session_id: str) -> SessionTranscript:
        """Load what is known of a session's transcript, and whether it is part of the session's analysis."""
        path = f"/v1/sessions/{_part(session_id)}/transcript"
        return cast(SessionTranscript, self._connection.get(path).json())

    def replace_transcript(
        self, session_id: str, transcript: str | PathLike[str], *, speaker: str | None = None
    ) -> SessionTranscript:
        """Give a session a transcript, in place of the one that it has. Its analyses stay: `analyse` makes another.

        Args:
            session_id: The session's id.
            transcript: The file.
            speaker: Who of the transcript's speakers is the subject; None where it says so itself.
        """
        path = f"/v1/sessions/{_part(session_id)}/transcript"
        body = _transcript_body(Path(transcript), speaker)
        return cast(SessionTranscript, self._connection.send("PUT", path, json=body).json())

    def remove_transcript(self, session_id: str) -> None:
        """Erase a session's transcript; analyses that were made with it stay."""
        self._connection.send("DELETE", f"/v1/sessions/{_part(session_id)}/transcript")

    def analyses(self, session_id: str) -> Iterator[Analysis]:
        """Yield the analyses of a session, newest first."""
        return cast("Iterator[Analysis]", self._connection.pages(f"/v1/sessions/{_part(session_id)}/analyses"))

    def current_analysis(self, session_id: str) -> str | None:
        """Return the id of the analysis that stands for a session; None without any."""
        answer = self._connection.get(f"/v1/sessions/{_part(session_id)}/analyses", limit=1).json()
        return cast("str | None", answer["current"])

    def analysis(self, analysis_id: str) -> Analysis:
        """Load an analysis without its frames."""
        return cast(Analysis, self._connection.get(f"/v1/analyses/{_part(analysis_id)}").json())

    def timeline(self, analysis_id: str) -> pd.DataFrame:
        """Load the emotion timeline of an analysis, a row for each sampled frame.

        Columns: time_s and duration_s (seconds), the seven emotions, x0, y0, x1, y1 (pixels), detection_score, quality.
        A gap is a row with NaN. A row stands for its duration: a share over time is weighted by it.
        """
        return self._table(f"/v1/analyses/{_part(analysis_id)}/timeline")

    def face_tracks(self, analysis_id: str) -> list[FaceTrack]:
        """List the face tracks of an analysis: who was in view, and who is taken for the subject."""
        return cast(
            "list[FaceTrack]", self._connection.get(f"/v1/analyses/{_part(analysis_id)}/tracks").json()["items"]
        )

    def speakers(self, analysis_id: str) -> list[Speaker]:
        """List who is heard in an analysis, and who of them is taken for the subject."""
        return cast(
            "list[Speaker]", self._connection.get(f"/v1/analyses/{_part(analysis_id)}/speakers").json()["items"]
        )

    def choose_speaker(self, analysis_id: str, speaker: int | None) -> ChosenSpeaker:
        """Choose which speaker is the subject; the session is then analysed again with that voice.

        Args:
            analysis_id: The analysis's id.
            speaker: The speaker's number in it; None leaves the choice to the server again.
        """
        path = f"/v1/analyses/{_part(analysis_id)}/speakers/choice"
        return cast(ChosenSpeaker, self._connection.send("POST", path, json={"speaker": speaker}).json())

    def series_list(self, analysis_id: str) -> list[Series]:
        """List the feature series of an analysis."""
        return cast("list[Series]", self._connection.get(f"/v1/analyses/{_part(analysis_id)}/series").json()["items"])

    def series(self, analysis_id: str, name: str) -> pd.DataFrame:
        """Load a feature series of an analysis.

        Args:
            analysis_id: The analysis's id.
            name: `voice` or `words`.
        """
        return self._table(f"/v1/analyses/{_part(analysis_id)}/series/{_part(name)}")

    def cohort(self, **filters: Any) -> pd.DataFrame:
        """Load the analysed sessions of many subjects, a row each.

        Args:
            **filters: What the server's route takes: `tag` (a list), `since`, `until`, `model_id`, `min_coverage`,
                `demo`.
        """
        return self._table("/v1/exports/cohort", **filters)

    def report(self, session_id: str, kind: str = "pdf", time_zone: str | None = None) -> bytes:
        """Load the report of a session, in the client's language.

        Args:
            session_id: The session's id.
            kind: `pdf` or `html`.
            time_zone: The zone of its times, such as `Europe/Berlin`; None for UTC.
        """
        path = f"/v1/sessions/{_part(session_id)}/report"
        return self._connection.get(path, format=kind, time_zone=time_zone).content

    def trends(self, subject_id: str, model_id: str | None = None) -> Trends:
        """Load a subject over time: sessions, questionnaires with their change, measures, events.

        Args:
            subject_id: The subject's id.
            model_id: Analyses by this model alone; None for the active model's, others' where it has analysed none.
        """
        answer = self._connection.get(f"/v1/subjects/{_part(subject_id)}/trends", model_id=model_id)
        return cast(Trends, answer.json())

    def trend_table(self, subject_id: str, model_id: str | None = None) -> pd.DataFrame:
        """Load a subject's sessions over time as a table, a row each, oldest first.

        Columns: session_id, analysis_id, recorded_at (UTC), model_id, segment, coverage, counts_by_frames,
        dominant_emotion, the seven mean probabilities, each measure, the estimate as phq_score, phq_low, phq_high,
        phq_level, phq_scale, phq_provenance and phq_model_id, or why there is none as phq_unavailable; is_demo,
        consent_withdrawn, turns_kind, speaker_choice. What a person must read beside the numbers is in
        `attrs["notes"]`.

        Args:
            subject_id: The subject's id.
            model_id: As for `trends`.
        """
        return trend_table(self.trends(subject_id, model_id))

    def periods(
        self,
        subject_id: str,
        first: Days | None = None,
        second: Days | None = None,
        *,
        time_zone: str | None = None,
        model_id: str | None = None,
    ) -> pd.DataFrame:
        """Load two periods of a subject beside each other, a row a measure or questionnaire.

        Columns: measure, title, unit, modality, first_count, first_mean, second_count, second_mean, difference, spread,
        verdict, models. No test is made; what a person must read beside the numbers is in `attrs`, such as `spread`.

        Args:
            subject_id: The subject's id.
            first: First and last day of the one period; None, as `second`, for the earlier half of the days.
            second: First and last day of the other.
            time_zone: The zone whose days they are, such as `Europe/Berlin`; None for UTC.
            model_id: As for `trends`.

        Raises:
            ValueError: One period alone is named.
        """
        if (first is None) != (second is None):
            raise ValueError("Name both periods, or none of them.")
        days: dict[str, str] = {}
        if first is not None and second is not None:
            days = {"first_from": first[0].isoformat(), "first_to": first[1].isoformat()}
            days |= {"second_from": second[0].isoformat(), "second_to": second[1].isoformat()}
        path = f"/v1/subjects/{_part(subject_id)}/trends/periods"
        return self._table(path, time_zone=time_zone, model_id=model_id, **days)

    def jobs(self, session_id: str | None = None) -> Iterator[Job]:
        """Yield the jobs, newest first.

        Args:
            session_id: Those of this session alone; None for all.
        """
        return cast("Iterator[Job]", self._connection.pages("/v1/jobs", session_id=session_id))

    def job(self, job_id: str) -> Job:
        """Load where a job stands."""
        return cast(Job, self._connection.get(f"/v1/jobs/{_part(job_id)}").json())

    def analyse(self, session_id: str, **wish: Any) -> Job:
        """Have a session analysed again.

        Args:
            session_id: The session's id.
            **wish: What the server takes: `fps`, `key_frames`, `face_rate`, `speech`, `track`, `sound_track`,
                `sound_channel`, and `priority`, which is `batch` for what may wait until nobody else does.
        """
        path = f"/v1/sessions/{_part(session_id)}/analyses"
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return cast(Job, self._connection.send("POST", path, json=wish, headers=headers).json())

    def wait(self, job_id: str, *, timeout_s: float = 3600.0, pause_s: float = 2.0) -> Job:
        """Wait until a job has ended, and return it.

        Args:
            job_id: The job's id.
            timeout_s: Seconds after which it is not waited for any more.
            pause_s: Seconds between two looks.

        Raises:
            TimeoutError: The job has not ended in that time.
        """
        end = time.monotonic() + timeout_s
        while True:
            job = self.job(job_id)
            if not job["active"]:
                return job
            if time.monotonic() >= end:
                raise TimeoutError(f"The job has not ended after {timeout_s:g} s: {job['message']['detail']}")
            self._connection.sleep(pause_s)

    def _table(self, path: str, **params: Any) -> pd.DataFrame:
        kind = table_format()
        return read_table(self._connection.get(path, format=kind, **params).content, kind)


def _transcript_body(path: Path, speaker: str | None) -> dict[str, str | None]:
    document = base64.b64encode(path.read_bytes()).decode("ascii")
    return {"name": path.name, "document": document, "speaker": speaker}


def _part(text: str) -> str:
    """Return a text as one part of a path."""
    return quote(text, safe="")
