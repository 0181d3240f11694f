"""What leaves the product as tables: tidy frames, and the same as CSV, Parquet and JSON.

`service.dictionary` says what each column means.
"""

from __future__ import annotations

import io

import pandas as pd

from db.store import Store
from fer_phq.channels import Channel
from fer_phq.phq import Modality


def frames_table(store: Store, analysis_id: str) -> pd.DataFrame:
    """One row a sampled frame of an analysis; gaps are there, with NaN. Raises NotFoundError."""
    return store.frame_table(analysis_id=analysis_id).drop(columns="idx")


def voice_table(store: Store, analysis_id: str) -> pd.DataFrame | None:
    """One row a tenth of a second; None where the analysis has no voice. Raises NotFoundError."""
    return _channel_table(store.load_channels(analysis_id=analysis_id).get(Modality.VOICE))


def words_table(store: Store, analysis_id: str) -> pd.DataFrame | None:
    """One row an utterance of the subject's, without its embedding; None without words. Raises NotFoundError."""
    return _channel_table(store.load_channels(analysis_id=analysis_id).get(Modality.WORDS))


def _channel_table(channel: Channel | None) -> pd.DataFrame | None:
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
