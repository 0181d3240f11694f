"""What leaves the product as tables: tidy frames, and the same as CSV, Parquet and JSON.

`service.views.data_dictionary` says what each column means.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import pandas as pd

from db.store import Store
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.phq import Modality
from fer_phq.words import parse_transcript
from service.models.training_manifest import WITHIN_DAYS
from service.views.review import episode_table, other_people, utterance_table


def frames_table(store: Store, analysis_id: str) -> pd.DataFrame:
    """One row a sampled frame of an analysis; gaps are there, with NaN. Raises NotFoundError."""
    return store.analyses.frames(analysis_id=analysis_id).drop(columns="idx")


def voice_table(store: Store, analysis_id: str) -> pd.DataFrame | None:
    """One row a tenth of a second; None where the analysis has no voice. Raises NotFoundError."""
    return _channel_table(store.features.load_series(analysis_id=analysis_id).get(Modality.VOICE))


def words_table(store: Store, analysis_id: str) -> pd.DataFrame | None:
    """One row an utterance of the subject's, without its embedding; None without words. Raises NotFoundError."""
    return _channel_table(store.features.load_series(analysis_id=analysis_id).get(Modality.WORDS))


def episodes_table(store: Store, analysis_id: str) -> pd.DataFrame:
    """One row an expression episode of an analysis, by onset. Raises NotFoundError."""
    return episode_table(store.analyses.frames(analysis_id=analysis_id))


def people_table(store: Store, analysis_id: str) -> pd.DataFrame:
    """One row a person in view who is not the subject. Raises NotFoundError."""
    return other_people(store.analyses.load(analysis_id=analysis_id))


def transcript_table(store: Store, session_id: str) -> pd.DataFrame | None:
    """One row an utterance of a session's transcript, by start; None without one. FerPhqError when it cannot be read.

    As CSV it is a transcript that `fer_phq.words.read_transcript` reads.
    """
    transcript = store.transcripts.get(session_id=session_id)
    if transcript is None:
        return None
    table = utterance_table(parse_transcript(transcript.document, transcript.original_name), transcript.speaker)
    speakers = table["speaker"].where(table["speaker"] != "", None)
    return table.assign(speaker=speakers).rename(columns={"start_s": "start", "end_s": "end"})


def notes_table(store: Store, session_id: str) -> pd.DataFrame:
    """One row a note of a session, those of no moment first."""
    return _records(
        store.notes.list_by_session(session_id=session_id), ("time_s", "tag", "words", "created_at", "updated_at")
    )


def events_table(store: Store, subject_id: str) -> pd.DataFrame:
    """One row an event of a subject's, oldest first."""
    return _records(store.events.list_by_subject(subject_id=subject_id), ("at", "words", "created_at"))


def pairs_table(store: Store, first: str, second: str) -> pd.DataFrame:
    """One row a session that two models, named by their ids, have both analysed, oldest first."""
    pairs = store.model_pairs.load(first=first, second=second, within_days=WITHIN_DAYS)
    items = [None if answers is None else " ".join(map(str, answers)) for answers in pairs["items"]]
    return pairs.assign(model_id_a=first, model_id_b=second, items=pd.Series(items, index=pairs.index, dtype=object))


def _records(records: Sequence[object], columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame([[getattr(record, name) for name in columns] for record in records], columns=list(columns))


def _channel_table(channel: FeatureSeries | None) -> pd.DataFrame | None:
    if channel is None:
        return None
    columns = {name: channel.values[:, i] for i, name in enumerate(channel.names) if not name.startswith("embedding_")}
    times = {} if channel.time_s is None else {"time_s": channel.time_s}
    return pd.DataFrame({**times, **columns})


def as_csv(table: pd.DataFrame) -> str:
    """UTF-8 text with a header; what was not measured is empty, times are ISO 8601."""
    return str(table.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%f%z"))


def as_parquet(table: pd.DataFrame) -> bytes:
    """Parquet with the table's own types."""
    out = io.BytesIO()
    table.to_parquet(out, index=False)
    return out.getvalue()


def as_json(table: pd.DataFrame) -> str:
    """A list of records; what was not measured is null, times are ISO 8601."""
    return str(table.to_json(orient="records", date_format="iso", double_precision=10, force_ascii=False))
