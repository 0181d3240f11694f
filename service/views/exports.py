"""What leaves the product as tables: those of the pages' views, and the same as CSV, Parquet and JSON.

`service.views.data_dictionary` says what each column means.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from db.store import Store
from fer_phq.behaviour.files.tables import closure_table, series_table
from fer_phq.core.analysis import Settings
from fer_phq.core.csv_input import without_formula
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message
from fer_phq.features.measures import BY_NAME
from fer_phq.pipeline.document import analysis_document
from fer_phq.speakers.files.tables import turn_table
from fer_phq.transcription.documents.tables import segment_table
from fer_phq.voice.kinds import without_earlier_pitch
from service.views import data_dictionary
from service.views.comparison import ComparisonView
from service.views.session import AnalysisView, SessionView
from service.views.trends import SCORES, PeriodsView, TrendsView

QUESTIONNAIRE = "questionnaire"
"""What a total of a questionnaire is computed from, in place of a modality."""


def frames_table(analysis: AnalysisView) -> pd.DataFrame:
    """Return one row a sampled frame of an analysis; gaps are there, with NaN."""
    return analysis.frames.drop(columns=["idx", "from_s", "to_s", "state"])


def voice_table(analysis: AnalysisView) -> pd.DataFrame | None:
    """Return one row a tenth of a second; None where the analysis has no voice."""
    return None if analysis.voice is None else channel_table(analysis.voice)


def words_table(analysis: AnalysisView) -> pd.DataFrame | None:
    """Return one row an utterance of the subject's, without its embedding; None without words."""
    return None if analysis.words is None else channel_table(analysis.words)


def behaviour_table(analysis: AnalysisView) -> pd.DataFrame | None:
    """Return one row a frame in which the face mesh was followed; None where it was not."""
    return None if analysis.behaviour is None else series_table(analysis.behaviour.series)


def blinks_table(analysis: AnalysisView) -> pd.DataFrame | None:
    """Return one row a closure of the eyes; None where the face mesh was not followed."""
    return None if analysis.behaviour is None else closure_table(analysis.behaviour.closures)


def behaviour_episodes_table(analysis: AnalysisView) -> pd.DataFrame | None:
    """Return one row an episode of facial behaviour; None where the face mesh was not followed."""
    return None if analysis.behaviour is None else analysis.behaviour.episodes


def turns_table(analysis: AnalysisView) -> pd.DataFrame | None:
    """Return one row a turn of anybody's; None where turns were not told."""
    return None if analysis.turns is None else turn_table(analysis.turns)


def recognised_table(analysis: AnalysisView) -> pd.DataFrame | None:
    """Return one row a segment of recognised words; None where none were recognised."""
    return None if analysis.transcription is None else segment_table(analysis.transcription)


def measures_table(session: SessionView, render: Callable[[Message], str] = str) -> pd.DataFrame:
    """Return one row a measure of a session: its value, or why there is none.

    Args:
        session: The session under review.
        render: Writes why there is no value in a language; English when omitted.
    """
    columns = [column.name for column in data_dictionary.MEASURES_OF_SESSION.columns]
    rows = [(measure, value, "") for measure, value in session.measures]
    rows += [(measure, math.nan, render(reason)) for measure, reason in session.missing_measures]
    return pd.DataFrame(
        [
            (measure.name, measure.title, value, measure.unit, reason, measure.direction, measure.source)
            for measure, value, reason in rows
        ],
        columns=columns,
    ).astype({"value": "float64"})


def transcript_table(session: SessionView) -> pd.DataFrame | None:
    """Return one row an utterance of a session's transcript, by start; None without one.

    As CSV it is a transcript that `fer_phq.words.read_transcript` reads.

    Raises:
        FerPhqError: The transcript cannot be read.
    """
    transcript = session.transcript
    if transcript is None:
        return None
    if transcript.problem is not None:
        raise transcript.problem
    table = transcript.utterances
    speakers = table["speaker"].where(table["speaker"] != "", None)
    return table.assign(speaker=speakers).rename(columns={"start_s": "start", "end_s": "end"})


def notes_table(session: SessionView) -> pd.DataFrame:
    """Return one row a note of a session, those of no moment first."""
    return _records(session.notes, ("time_s", "tag", "words", "created_at", "updated_at"))


def sessions_table(trends: TrendsView, render: Callable[[Message], str] = str) -> pd.DataFrame:
    """Return one row an analysed session of a subject's, oldest first.

    Args:
        trends: The subject over time.
        render: Writes why there is no estimate in a language; English when omitted.
    """
    sessions = trends.sessions
    return sessions.assign(phq_detail=pd.Series([render(detail) for detail in sessions["phq_detail"]], dtype=object))


def events_table(trends: TrendsView) -> pd.DataFrame:
    """Return one row an event of a subject's, oldest first."""
    return _records(trends.events, ("at", "words", "created_at"))


def pairs_table(comparison: ComparisonView) -> pd.DataFrame:
    """Return one row a session that two models have both analysed, oldest first."""
    pairs = comparison.pairs
    items = [None if answers is None else " ".join(map(str, answers)) for answers in pairs["items"]]
    return pairs.assign(
        model_id_a=comparison.first,
        model_id_b=comparison.second,
        items=pd.Series(items, index=pairs.index, dtype=object),
    )


def periods_table(periods: PeriodsView) -> pd.DataFrame:
    """Return one row a measure of two periods, questionnaires first."""
    table = pd.DataFrame(
        [
            (
                *(name, measure.title, measure.unit, str(measure.modality or QUESTIONNAIRE)),
                *(comparison.sessions_before, comparison.mean_before),
                *(comparison.sessions_after, comparison.mean_after),
                *(comparison.difference, comparison.spread, str(comparison.verdict), len(periods.models)),
            )
            for name, comparison in periods.comparisons.items()
            for measure in (SCORES.get(name) or BY_NAME[name],)
        ],
        columns=[column.name for column in data_dictionary.PERIODS.columns],
    )
    numbers = ("first_mean", "second_mean", "difference", "spread")
    counts = ("first_count", "second_count", "models")
    return table.astype({**dict.fromkeys(numbers, "float64"), **dict.fromkeys(counts, "int64")})


def analysis_json(store: Store, analysis_id: str) -> str:
    """Return an analysis as the JSON document that `fer-phq analyze --json` prints.

    Args:
        store: The store.
        analysis_id: The analysis's UUID.

    Raises:
        NotFoundError: There is no such analysis.
    """
    floor = Settings.from_dict(store.analyses.get(analysis_id=analysis_id).settings).coverage_floor
    document = analysis_document(store.analyses.load_session_analysis(analysis_id=analysis_id), floor)
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)


def _records(records: Sequence[object], columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame([[getattr(record, name) for name in columns] for record in records], columns=list(columns))


def channel_table(channel: FeatureSeries) -> pd.DataFrame:
    """Return one row a row of a voice or of words, without embeddings; columns without a name have a number.

    Pitch of an earlier version may be an octave off, and is left out.
    """
    channel = without_earlier_pitch(channel)
    names = channel.names or tuple(f"value_{i}" for i in range(channel.width))
    columns = {name: channel.values[:, i] for i, name in enumerate(names) if not name.startswith("embedding_")}
    times = {} if channel.time_s is None else {"time_s": channel.time_s}
    return pd.DataFrame({**times, **columns})


def as_csv(table: pd.DataFrame, *, header: bool = True) -> str:
    """Write a table as UTF-8 CSV; what was not measured is empty, times are ISO 8601.

    A text that a spreadsheet would calculate has an apostrophe before it.

    Args:
        table: The table.
        header: Whether the names of the columns come first.
    """
    texts = table.select_dtypes(include=["object", "string", "category"]).columns
    safe = table.assign(**{name: [_without_formula(cell) for cell in table[name]] for name in texts})
    return str(safe.to_csv(index=False, header=header, date_format="%Y-%m-%dT%H:%M:%S.%f%z"))


def _without_formula(cell: Any) -> Any:
    return without_formula(cell) if isinstance(cell, str) else cell


def as_parquet(table: pd.DataFrame) -> bytes:
    """Write a table as Parquet with its own types."""
    out = io.BytesIO()
    table.to_parquet(out, index=False)
    return out.getvalue()


def as_json(table: pd.DataFrame) -> str:
    """Write a table as a list of records; what was not measured is null, times are ISO 8601."""
    return str(table.to_json(orient="records", date_format="iso", double_precision=10, force_ascii=False))
