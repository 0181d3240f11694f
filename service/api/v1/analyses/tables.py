"""The tables of an analysis: its timeline, read block by block, and its feature series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from db.records import AnalysisSummary
from db.store import Store
from fer_phq.behaviour.files.tables import series_blocks
from fer_phq.core.errors import StoreError
from fer_phq.core.phq import Modality, PhqEstimate
from fer_phq.features.measures import BEHAVIOUR
from fer_phq.speakers.files.tables import turn_table
from fer_phq.voice.kinds import KIND as VOICE_KIND
from service.api import messages
from service.api.v1.answers.problems import RequestError
from service.views import data_dictionary
from service.views.documents.tables import BLOCK_ROWS, Table
from service.views.exports import channel_table

TURNS = "turns"
"""The series of everybody's turns."""
TIME_BASE = "seconds from the recording's start, as its container gives them"
SERIES: Mapping[str, data_dictionary.TableEntry] = {
    str(Modality.VOICE): data_dictionary.VOICE,
    str(Modality.WORDS): data_dictionary.WORDS,
    BEHAVIOUR: data_dictionary.BEHAVIOUR_SERIES,
    TURNS: data_dictionary.TURNS,
}
"""The series that leave the store. Embeddings stay there: they may tell who somebody is, or what was said."""


def timeline_table(store: Store, summary: AnalysisSummary, sentence: str) -> Table:
    """Return the timeline of an analysis, which is read as it is written.

    Args:
        store: The store.
        summary: The analysis.
        sentence: What a person must read beside the numbers.
    """
    name = f"analysis-{summary.id[:8]}-timeline"
    columns = data_dictionary.FRAMES.columns
    facts = {**_facts(summary, sentence), **_sampling(summary)}
    version = f"{summary.id}|{summary.counts_by_frames}|{sentence}"
    return Table(name, facts, columns, _frames(store, summary), version=version)


def _frames(store: Store, summary: AnalysisSummary) -> Iterator[pd.DataFrame]:
    """Yield the frames. Raises StoreError where they are not there any more: a table cut short would look whole."""
    total = summary.frames_sampled
    for start in range(0, max(total, 1), BLOCK_ROWS):
        rows = range(start, min(start + BLOCK_ROWS, total))
        block = store.analyses.frames(analysis_id=summary.id, rows=rows)
        if len(block) != len(rows):
            raise StoreError(messages.INCOMPLETE_TABLE())
        yield block.drop(columns="idx")


def series_kinds(store: Store, analysis_id: str) -> dict[str, str]:
    """Return the kinds of an analysis's series that leave the store, by their names.

    Args:
        store: The store.
        analysis_id: The analysis's UUID.
    """
    kinds = {str(modality): kind for modality, kind in store.features.kinds(analysis_id=analysis_id).items()}
    behaviour = store.features.behaviour_kind(analysis_id=analysis_id)
    kinds |= {} if behaviour is None else {BEHAVIOUR: behaviour}
    turns = store.features.turns_kind(analysis_id=analysis_id)
    kinds |= {} if turns is None else {TURNS: turns}
    return {name: kinds[name] for name in SERIES if name in kinds}


def series_table(store: Store, summary: AnalysisSummary, name: str, sentence: str) -> Table:
    """Return a feature series of an analysis.

    Args:
        store: The store.
        summary: The analysis.
        name: The series' name.
        sentence: What a person must read beside the numbers.

    Raises:
        RequestError: The analysis has no series of that name.
    """
    kinds = series_kinds(store, summary.id)
    if name not in kinds:
        names = tuple(kinds)
        raise RequestError(messages.NO_SUCH_SERIES(names=names) if names else messages.NO_SERIES(), 404)
    facts = {**_facts(summary, sentence), "series": name, "kind": kinds[name]}
    title = f"analysis-{summary.id[:8]}-{name}"
    version = f"{summary.id}|{VOICE_KIND}|{sentence}"  # what a series of an earlier kind is brought to
    return Table(title, facts, SERIES[name].columns, _read_series(store, summary, name), version=version)


def _read_series(store: Store, summary: AnalysisSummary, name: str) -> Iterator[pd.DataFrame]:
    """Return the parts of a series that is stored."""
    if name == BEHAVIOUR:
        behaviour = store.features.load_behaviour(analysis_id=summary.id)
        if behaviour is None:
            raise StoreError(messages.INCOMPLETE_TABLE())
        return series_blocks(behaviour)
    if name == TURNS:
        turns = store.features.load_turns(analysis_id=summary.id)
        if turns is None:
            raise StoreError(messages.INCOMPLETE_TABLE())
        return _blocks(turn_table(turns))
    return _blocks(channel_table(store.features.load_series(analysis_id=summary.id)[Modality(name)]))


def _blocks(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for start in range(0, max(len(table), 1), BLOCK_ROWS):
        yield table.iloc[start : start + BLOCK_ROWS]


def _facts(summary: AnalysisSummary, sentence: str) -> dict[str, str]:
    facts = {
        "analysis_id": summary.id,
        "session_id": summary.session_id,
        "model_id": summary.model_id,
        "time_base": TIME_BASE,
        "note": sentence,
    }
    if isinstance(summary.phq, PhqEstimate):
        facts["phq_provenance"] = str(summary.phq.provenance)
    return facts


def _sampling(summary: AnalysisSummary) -> dict[str, str]:
    fps = "key frames" if summary.sampling.key_frames else f"{summary.sampling.fps:g} a second"
    facts = {"sampling": fps, "coverage": repr(summary.coverage)}
    return facts | ({"counts_by_frames": "true"} if summary.counts_by_frames else {})
