"""Tidy frames as charts and reports take them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.charts import Tracks
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import Modality, PhqEstimate, Provenance, Scale

QUARTILES = ("low", "q1", "median", "q3", "high")


def frames(states: str = "ffggflgf") -> pd.DataFrame:
    """A timeline at 2 frames/s: f is a face, l a face of low quality, g a gap."""
    n = len(states)
    rng = np.random.default_rng(7)
    values = rng.dirichlet(np.ones(7), n)
    table = pd.DataFrame(values, columns=list(EMOTIONS))
    table.insert(0, "time_s", np.arange(n) / 2)
    table["from_s"], table["to_s"] = table["time_s"] - 0.25, table["time_s"] + 0.25
    table["state"] = [{"f": "face", "l": "low", "g": "gap"}[s] for s in states]
    table["quality"] = np.where(table["state"] == "low", 0.1, 0.8)
    table.loc[table["state"] == "gap", [*EMOTIONS, "quality"]] = np.nan
    return table


def trend(provenance: str | None = "simulated", n: int = 4) -> pd.DataFrame:
    """Weekly sessions with the same emotions and the same estimate; provenance None: without one."""
    table = pd.DataFrame(np.full((n, 7), 1 / 7), columns=list(EMOTIONS))
    table["recorded_at"] = pd.date_range("2026-03-01", periods=n, freq="7D")
    table["phq_score"], table["phq_low"], table["phq_high"] = 9.0, 4.0, 15.0
    table["phq_scale"], table["phq_provenance"], table["phq_model_id"] = "PHQ-8", provenance, "head-1"
    if provenance is None:
        table[["phq_score", "phq_low", "phq_high"]] = np.nan
        table["phq_scale"] = None
    return table


def answers(n: int = 3) -> pd.DataFrame:
    """Up to three questionnaires, two weeks apart."""
    return pd.DataFrame(
        {
            "answered_at": pd.date_range("2026-03-02", periods=n, freq="14D"),
            "total": [14, 11, 6][:n],
            "scale": ["PHQ-9"] * n,
            "change": [""] * n,
            "words": [""] * n,
            "segment": [0] * n,
        }
    )


# ----------------------------------------------------------------------------------------------- whole, for pictures
# Made of sines, not of random numbers: the same on every machine and with every NumPy.


def waves(n: int, pace: float) -> npt.NDArray[np.float64]:
    """Seven emotions over n moments, (n, 7), each row of sum 1; neutral most of the time."""
    steps = np.arange(n)[:, None] * pace
    heights = 1.4 * np.sin(steps * (1 + 0.37 * np.arange(7)) + 1.9 * np.arange(7))
    heights += np.where(np.array(EMOTIONS) == "neutral", 1.6, 0.0)
    values = np.exp(heights)
    return np.asarray(values / values.sum(axis=1, keepdims=True), dtype=np.float64)


def course(seconds: int = 240, gaps: Sequence[tuple[int, int]] = ((70, 95),)) -> pd.DataFrame:
    """A timeline at 2 frames/s with gaps from and to given seconds, after each of which the face is of low quality."""
    n = seconds * 2
    table = pd.DataFrame(waves(n, 0.05), columns=list(EMOTIONS))
    table.insert(0, "time_s", (np.arange(n) + 0.5) / 2)
    table["from_s"], table["to_s"] = table["time_s"] - 0.25, table["time_s"] + 0.25
    table["state"], table["quality"] = "face", 0.8
    for start, end in gaps:
        after = table["time_s"].between(end, end + 12)
        table.loc[after, "state"], table.loc[after, "quality"] = "low", 0.1
        gap = table["time_s"].between(start, end)
        table.loc[gap, "state"] = "gap"
        table.loc[gap, [*EMOTIONS, "quality"]] = np.nan
    return table


def beside() -> Tracks:
    """Something of everything that runs beside the emotions of `course`."""
    spoken = np.arange(12)
    time_s = np.arange(240) + 0.5
    voiced = np.sin(time_s / 9) > -0.3
    pitch = np.where(voiced, 180 + 30 * np.sin(time_s / 5), np.nan)
    loudness = -38 + 9 * np.sin(time_s / 9)
    return Tracks(
        episodes=pd.DataFrame(
            {"emotion": ["happiness", "sadness", "surprise"], "onset_s": [12.0, 120.0, 190.0],
             "peak_s": [20.0, 130.0, 191.0], "offset_s": [30.0, 155.0, 193.0], "peak": [0.9, 0.6, 0.7]}
        ),
        people=pd.DataFrame({"person": [2], "first_s": [60.0], "last_s": [110.0], "frames": [80]}),
        utterances=pd.DataFrame(
            {"start_s": spoken * 20.0, "end_s": spoken * 20.0 + 14, "text": "words", "is_subject": spoken % 2 == 1,
             "speaker": np.where(spoken % 2 == 1, "Client", "Therapist")}
        ),
        voice=pd.DataFrame(
            {"time_s": time_s, "speech": np.where(voiced, 0.9, 0.05), "loudness_db": loudness,
             "loudness_db_low": loudness - 4, "loudness_db_high": loudness + 4, "pitch_hz": pitch,
             "pitch_hz_low": pitch - 12, "pitch_hz_high": pitch + 12}
        ),
        notes=pd.DataFrame({"time_s": [45.0, 160.0], "words": ["looks away", "smiles"]}),
    )  # fmt: skip


def half_year(n: int = 12) -> pd.DataFrame:
    """Fortnightly sessions with estimates, the first three of a head trained on simulated labels; one has none."""
    score = 15 - 0.6 * np.arange(n) + np.sin(np.arange(n))
    table = pd.DataFrame(waves(n, 0.5), columns=list(EMOTIONS)).assign(
        recorded_at=pd.date_range("2026-03-02", periods=n, freq="14D"), phq_score=score, phq_low=score - 4,
        phq_high=score + 5, phq_scale="PHQ-8", phq_provenance="clinical", phq_model_id="head-2",
    )  # fmt: skip
    table.loc[:2, ["phq_provenance", "phq_model_id"]] = ["simulated", "head-1"]
    table.loc[5:5, [*EMOTIONS, "phq_score", "phq_low", "phq_high"]] = np.nan
    return table


def changes() -> pd.DataFrame:
    """Monthly questionnaires that get better, with a gap in the middle and the reliable change marked."""
    return pd.DataFrame(
        {"answered_at": pd.date_range("2026-03-05", periods=6, freq="28D"), "total": [17, 16, 15, 11, 9, 6],
         "scale": "PHQ-9", "change": ["", "", "", "", "", "reliable"], "words": "",
         "segment": [0, 0, 0, 1, 1, 1]}
    )  # fmt: skip


def happened() -> pd.DataFrame:
    """Three events, as charts over dates mark them."""
    at = pd.to_datetime(["2026-03-20", "2026-05-28", "2026-06-08"])
    return pd.DataFrame({"at": at, "mark": ["1", "2", "3"], "words": ["begun", "changed", "ended"]})


def measured() -> pd.DataFrame:
    """Two measures over twelve sessions with a gap in time; pitch was not measured once."""
    one = pd.DataFrame({"recorded_at": pd.date_range("2026-03-02", periods=12, freq="14D")})
    one["segment"] = (np.arange(12) > 6).astype(int)
    steps = np.arange(12)
    smiles = one.assign(measure="smiling_share", value=0.08 + 0.02 * steps + 0.03 * np.sin(steps))
    pitch = one.assign(measure="pitch_sd", value=2.2 + 0.1 * steps + 0.3 * np.cos(2 * steps))
    pitch.loc[4, "value"] = np.nan
    return pd.concat([smiles, pitch], ignore_index=True)


def two_periods() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Points and means of one measure, as `period_panel` takes them."""
    own = measured()
    own = own[own["measure"] == "smiling_share"].assign(period=np.repeat(["first", "second"], [7, 5]))
    means = [own.loc[own["period"] == period, "value"].mean() for period in ("first", "second")]
    return own.rename(columns={"recorded_at": "at"}), pd.DataFrame(
        {"measure": "smiling_share", "period": ["first", "second"], "mean": means}
    )


def people() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Three groups of people, the last too small for quartiles, as `distribution_panel` takes them."""
    groups = np.repeat(["Waiting list", "Therapy", "Left early"], [14, 11, 3])
    values = 0.3 + 0.15 * np.sin(np.arange(28) * 2.4) + np.where(groups == "Therapy", 0.12, 0.0)
    points = pd.DataFrame({"group": groups, "value": values, "sessions": 4})
    points["subject_id"] = points["label"] = [f"P-{i}" for i in range(28)]
    rows = [
        {
            "group": group,
            "people": len(own),
            **dict(zip(QUARTILES, np.quantile(own, np.linspace(0, 1, 5)), strict=True)),
        }
        for group, own in points.groupby("group", sort=False)["value"]
        if len(own) > 5
    ]
    return points, pd.DataFrame(rows)


def nobody() -> tuple[pd.DataFrame, pd.DataFrame]:
    """As `people`, without any."""
    points, boxes = people()
    return points.iloc[:0], boxes.iloc[:0]


def shares() -> pd.DataFrame:
    """One moment beside its session, as `emotion_bars` takes it."""
    now, whole = waves(40, 0.21)[[7, 30]]
    return pd.DataFrame({"emotion": EMOTIONS, "value": now, "reference": whole})


def estimate(low: float, high: float, provenance: Provenance = Provenance.CLINICAL) -> PhqEstimate:
    """An estimate in the middle of its interval."""
    return PhqEstimate((low + high) / 2, low, high, 0.9, Scale.PHQ8, provenance, "m-1", (Modality.FACE,))


def folds() -> pd.DataFrame:
    """Two models that get better with the folds, one of them not judged to the end."""
    steps = np.arange(1, 13)
    ridge = pd.DataFrame({"model": "ridge", "folds": steps, "of": 15, "share": 0.78 + 0.35 / steps})
    svr = pd.DataFrame({"model": "svr", "folds": steps[:9], "of": 15, "share": 0.9 + 0.2 / steps[:9]})
    return pd.concat([ridge, svr], ignore_index=True)


def pairs() -> pd.DataFrame:
    """Ten sessions with the estimates of two models, as `estimates_of_two` takes them."""
    steps = np.arange(10)
    table = pd.DataFrame({"maximum": 24, "words": [f"session {i}" for i in steps]})
    for side, score in (("a", 4 + 1.5 * steps), ("b", 5 + 1.3 * steps + 2 * np.sin(2 * steps))):
        table[f"phq_score_{side}"] = score
        table[f"phq_low_{side}"], table[f"phq_high_{side}"] = np.maximum(score - 3, 0), np.minimum(score + 4, 24)
    return table


def differences() -> pd.DataFrame:
    """How far apart two models' shares lie, as `share_differences` takes it."""
    mean = 0.06 * np.sin(1 + 1.7 * np.arange(7))
    return pd.DataFrame({"emotion": EMOTIONS, "mean": mean, "low": mean - 0.05, "high": mean + 0.07})
