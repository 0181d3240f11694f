"""Tables of the server as pandas tables: by Arrow where pyarrow is there, else by JSON, with the same numbers."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any

from fer_phq_client.answers import Trends, TrendSession
from fer_phq_client.errors import IncompleteError

if TYPE_CHECKING:
    import pandas as pd

EMOTIONS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
TIME_UNIT = "time, UTC"
"""The unit of columns that hold moments, which JSON writes as text."""
_ESTIMATE = ("score", "low", "high", "level", "scale", "provenance", "model_id")


def table_format() -> str:
    """Return the format in which tables are asked for."""
    return "json" if importlib.util.find_spec("pyarrow") is None else "arrow"


def read_table(content: bytes, kind: str) -> pd.DataFrame:
    """Read a table. What holds for all of it, such as `model_id`, is in its `attrs`.

    Args:
        content: The answer's body.
        kind: `arrow` or `json`.

    Raises:
        IncompleteError: The table is not whole.
    """
    return _read_arrow(content) if kind == "arrow" else _read_json(content)


def _read_arrow(content: bytes) -> pd.DataFrame:
    import pyarrow as pa

    if not content.endswith(b"\xff\xff\xff\xff\x00\x00\x00\x00"):  # how a stream ends
        raise IncompleteError("The table broke off: ask for it again.")
    table = pa.ipc.open_stream(content).read_all()
    frame: pd.DataFrame = table.to_pandas()
    metadata = table.schema.metadata or {}
    frame.attrs = {name.decode(): value.decode() for name, value in metadata.items() if name != b"pandas"}
    return frame


def _read_json(content: bytes) -> pd.DataFrame:
    import pandas as pd

    try:
        document: dict[str, Any] = json.loads(content)
    except ValueError as error:
        raise IncompleteError("The table broke off: ask for it again.") from error
    frame = pd.DataFrame(document["items"], columns=[column["name"] for column in document["columns"]])
    for column in document["columns"]:
        if column["unit"] == TIME_UNIT:
            frame[column["name"]] = pd.to_datetime(frame[column["name"]], utc=True, format="ISO8601")
    frame.attrs = {"name": document["name"], **document["facts"]}
    return frame


def trend_table(trends: Trends) -> pd.DataFrame:
    """Return the sessions of trends as a table, a row each.

    Args:
        trends: The trends.
    """
    import pandas as pd

    measures = [measure["name"] for measure in trends["measures"]]
    columns = [*_trend_row(None, measures)]
    frame = pd.DataFrame([_trend_row(session, measures) for session in trends["sessions"]], columns=columns)
    frame["recorded_at"] = pd.to_datetime(frame["recorded_at"], utc=True, format="ISO8601")
    notes = [note["detail"] for note in trends["notes"]]
    frame.attrs = {"subject_id": trends["subject_id"], "notes": notes}
    return frame


def _trend_row(session: TrendSession | None, measures: list[str]) -> dict[str, Any]:
    """Return a session as a row; None for the names of the columns alone."""
    facts: dict[str, Any] = {} if session is None else dict(session)
    emotions = facts.get("emotions") or {}
    phq = facts.get("phq") or {}
    names = ("session_id", "analysis_id", "recorded_at", "model_id", "segment", "coverage", "counts_by_frames")
    return {
        **{name: facts.get(name) for name in (*names, "dominant_emotion")},
        **{name: emotions.get(name) for name in EMOTIONS},
        **{name: facts.get("measures", {}).get(name) for name in measures},
        **{f"phq_{name}": phq.get(name) for name in _ESTIMATE},
        "phq_unavailable": phq.get("reason"),
        "is_demo": facts.get("is_demo"),
        **{name: facts.get(name) for name in ("consent_withdrawn", "turns_kind", "speaker_choice")},
    }
