"""The tables of a study, each read session by session while it is written, and what their columns mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from db.records import NotFoundError
from db.store import Store
from fer_phq.core.phq import Modality
from fer_phq.speakers.files.tables import turn_table
from service.study import messages
from service.study.selection import Study, StudyError, load_answers
from service.views import data_dictionary as dictionary
from service.views.data_dictionary import Column, TableEntry
from service.views.documents.tables import Table
from service.views.exports import channel_table
from service.views.review import episode_table

_SUBJECT = Column("subject_id", "UUID", "The person, by a random id that only the installation knows.")
_PSEUDONYM = Column("pseudonym", "text", "What the person is called; the key stays in the installation.")
_SESSION = Column("session_id", "UUID", "The session.")
_WITHOUT_LABEL = tuple(column for column in dictionary.COHORT.columns if column.name not in ("subject_id", "label"))

SESSIONS = TableEntry(
    "sessions",
    "Sessions",
    "a session, by pseudonym, then oldest first",
    (
        _SUBJECT,
        _PSEUDONYM,
        Column("tags", "text", "The person's tags, with `; ` between them.", "they have none"),
        *_WITHOUT_LABEL,
        Column("fps", "frames a second", "How often faces were sampled.", "the stream's key frames were taken"),
        Column("frames_sampled", "count", "Sampled frames."),
        Column("frames_with_face", "count", "Sampled frames with the subject's face."),
        *(column for column in dictionary.SESSIONS.columns if column.name in ("phq_modalities", "phq_unavailable")),
        Column("has_voice", "true or false", "Whether a voice was measured."),
        Column("has_words", "true or false", "Whether words were measured."),
        Column("has_behaviour", "true or false", "Whether the face mesh was followed."),
        Column("has_turns", "true or false", "Whether it was told who speaks when."),
    ),
)
QUESTIONNAIRES = TableEntry(
    "questionnaires",
    "Questionnaires",
    "a questionnaire of one of these people that no correction supersedes, whenever it was answered, by pseudonym, "
    "then oldest first",
    (
        _SUBJECT,
        _PSEUDONYM,
        *(
            column
            for column in dictionary.QUESTIONNAIRES.columns
            if column.name in ("questionnaire_id", "answered_at", "scale", "total", "difficulty", "source")
        ),
        *(
            Column(f"item_{number}", "0 to 3", f"Answer to item {number}.", "a PHQ-8 has no such item")
            for number in range(1, 10)
        ),
    ),
)


def _per_session(entry: TableEntry, row: str) -> TableEntry:
    """Return an analysis's table as one of many sessions."""
    return replace(entry, row=row, columns=(_SESSION, *entry.columns))


FRAMES = _per_session(dictionary.FRAMES, "a sampled frame of a session; sessions in the order of `sessions`")
EPISODES = _per_session(dictionary.EPISODES, "an expression other than a neutral face, by onset within its session")
VOICE = _per_session(dictionary.VOICE, "a tenth of a second of a session's sound")
WORDS = _per_session(dictionary.WORDS, "an utterance of the subject's; the words themselves stay behind")
TURNS = _per_session(dictionary.TURNS, "a stretch of time in which one speaker of a session speaks, by start")
ENTRIES = (SESSIONS, QUESTIONNAIRES, FRAMES, EPISODES, VOICE, WORDS, TURNS)


@dataclass(frozen=True)
class StudyTable:
    """A table of a study.

    Attributes:
        entry: Its name, and what its columns mean.
        blocks: Begins to read it anew; yields nothing where nobody has it.
    """

    entry: TableEntry
    blocks: Callable[[], Iterator[pd.DataFrame]]

    def stream(self, blocks: Iterable[pd.DataFrame]) -> Table:
        """Return it as a table that is read while it is written.

        Args:
            blocks: Its rows, of `blocks`.
        """
        return Table(self.entry.name, {"row": self.entry.row}, self.entry.columns, blocks)


def study_tables(store: Store, study: Study) -> Sequence[StudyTable]:
    """Return the tables of a study.

    Args:
        store: The store.
        study: The study.
    """

    def channel(modality: Modality, has: str) -> Callable[[str], pd.DataFrame | None]:
        analyses = set(study.sessions.loc[study.sessions[has], "analysis_id"])

        def read(analysis_id: str) -> pd.DataFrame | None:
            if analysis_id not in analyses:
                return None
            return channel_table(store.features.load_series(analysis_id=analysis_id)[modality])

        return read

    def frames(analysis_id: str) -> pd.DataFrame:
        return store.analyses.frames(analysis_id=analysis_id).drop(columns="idx")

    def turns(analysis_id: str) -> pd.DataFrame | None:
        series = store.features.load_turns(analysis_id=analysis_id)
        return None if series is None else turn_table(series)

    return (
        StudyTable(SESSIONS, lambda: iter([study.sessions[[column.name for column in SESSIONS.columns]]])),
        StudyTable(QUESTIONNAIRES, lambda: _answers(store, study)),
        StudyTable(FRAMES, lambda: _of_sessions(study, FRAMES, frames)),
        StudyTable(EPISODES, lambda: _of_sessions(study, EPISODES, lambda key: episode_table(frames(key)))),
        StudyTable(VOICE, lambda: _of_sessions(study, VOICE, channel(Modality.VOICE, "has_voice"))),
        StudyTable(WORDS, lambda: _of_sessions(study, WORDS, channel(Modality.WORDS, "has_words"))),
        StudyTable(TURNS, lambda: _of_sessions(study, TURNS, turns)),
    )


def _answers(store: Store, study: Study) -> Iterator[pd.DataFrame]:
    answers = load_answers(store, study)
    if len(answers):
        table = _in_order(answers, QUESTIONNAIRES)
        whole = ("difficulty", *(f"item_{number}" for number in range(1, 10)))
        yield table.astype(dict.fromkeys(whole, "Int64"))


def _of_sessions(study: Study, entry: TableEntry, read: Callable[[str], pd.DataFrame | None]) -> Iterator[pd.DataFrame]:
    """Yield the rows of one session after another, all with the columns and types of the first.

    Raises:
        StudyError: A session is not there any more.
    """
    types: Mapping[Any, Any] = {}
    for session_id, analysis_id in zip(study.sessions["session_id"], study.sessions["analysis_id"], strict=True):
        try:
            rows = read(analysis_id)
        except NotFoundError:
            raise StudyError(messages.CHANGED()) from None
        if rows is None or rows.empty:
            continue
        block = _in_order(rows.assign(session_id=session_id), entry)
        types = types or dict(block.dtypes)
        yield block.astype(dict(types))


def _in_order(rows: pd.DataFrame, entry: TableEntry) -> pd.DataFrame:
    """Return rows with the columns of the dictionary, in its order; one that is not there is empty."""
    return rows.reindex(columns=[column.name for column in entry.columns])
