"""An analysis as a table, a chart and a card."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from fer_phq.core.analysis import RecordingInfo, Sampling, SessionAnalysis, Timeline, Timing
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import literal
from fer_phq.core.notebook.chart import MOST_POINTS
from fer_phq.core.phq import Modality, PhqEstimate, PhqUnavailable, Provenance, Scale, UnavailableReason

BEHAVIOUR = (
    "presence",
    "pitch_deg",
    "yaw_deg",
    "roll_deg",
    "eye_open_left",
    "eye_open_right",
    "mouth_open",
    "_neutral",
)


def analysis(seen=(True, True, False, True), rate=None, seconds=2.0, name="talk.mp4"):
    """Two seconds with emotions twice a second, and behaviour at a rate."""
    face = np.array(seen)
    n = len(face)
    emotions = np.full((n, 7), np.nan, np.float32)
    emotions[face] = (0.02, 0.01, 0.02, 0.6, 0.25, 0.08, 0.02)
    emotions[:, 3] += np.arange(n) / 1000
    column = np.where(face, 0.9, np.nan).astype(np.float32)
    timeline = Timeline(
        np.arange(n) / 2,
        emotions,
        np.repeat(column[:, None], 4, 1),
        np.repeat(np.repeat(column[:, None, None], 5, 1), 2, 2),
        column,
        column,
        end_s=seconds,
    )
    behaviour = None
    if rate:
        time_s = np.arange(round(seconds * rate)) / rate
        values = np.tile(time_s[:, None], (1, len(BEHAVIOUR))).astype(np.float32)
        behaviour = FeatureSeries(values, time_s, "mesh-1", BEHAVIOUR, np.full(len(time_s), 1 / rate), rate)
    return SessionAnalysis(
        recording=RecordingInfo(f"/films/{name}", "ab" * 32, seconds, 640, 360, "h264", 0, has_audio=False),
        model_id="vit-12345678",
        sampling=Sampling(),
        timeline=timeline,
        embeddings=np.zeros((int(face.sum()), 4), np.float32),
        phq=PhqEstimate(4.5, 0.0, 11.0, 0.9, Scale.PHQ8, Provenance.SIMULATED, "vit-12345678", (Modality.FACE,)),
        tracks=(),
        warnings=(literal("it is <dark>"),),
        timing=Timing(0.0, 0.0, 0.0, 0.0),
        behaviour=behaviour,
    )


def test_a_row_has_the_emotions_of_the_last_sampled_frame():
    result = analysis(rate=30)
    table = result.to_frame()
    assert len(table) == 60
    assert list(table)[:4] == ["time_s", "duration_s", "emotion_time_s", "anger"]
    assert list(table)[-len(BEHAVIOUR) :] == list(BEHAVIOUR)
    assert len(set(table)) == table.shape[1]
    np.testing.assert_array_equal(table.emotion_time_s, np.floor(table.time_s * 2 + 1e-9) / 2)
    happiness = result.timeline.emotions[:, 3]
    np.testing.assert_array_equal(table.happiness[:15], happiness[0])
    np.testing.assert_array_equal(table.happiness[15:30], happiness[1])
    assert table.happiness[30:45].isna().all()  # the face was not seen in the third sampled frame
    np.testing.assert_array_equal(table.yaw_deg, table.time_s.astype(np.float32))


def test_rows_before_the_first_sampled_frame_have_no_emotions():
    result = analysis(rate=10)
    later = replace(result, timeline=replace(result.timeline, time_s=result.timeline.time_s + 0.25))
    table = later.to_frame()
    assert table.happiness[:3].isna().all()
    assert table.emotion_time_s[:3].isna().all()
    assert table.happiness[3:5].notna().all()


def test_without_behaviour_a_row_is_a_sampled_frame():
    table = analysis().to_frame()
    np.testing.assert_array_equal(table.time_s, table.emotion_time_s)
    np.testing.assert_array_equal(table.duration_s, 0.5)
    assert table[list(EMOTIONS)].notna().all(axis=1).tolist() == [True, True, False, True]


@pytest.mark.parametrize(("package", "call"), [("pandas", "to_frame"), ("plotly.subplots", "plot")])
def test_a_missing_package_has_a_sentence(monkeypatch, package, call):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(FerPhqError, match=f"needs the package {package.partition('.')[0]}, which is not installed"):
        getattr(analysis(), call)()


def test_two_lines_say_what_matters():
    first, second = repr(analysis()).splitlines()
    assert first == "<SessionAnalysis talk.mp4, 2.0 s, face seen in 75%: happiness 60%, neutral 25%, sadness 8%;"
    assert second == (
        " PHQ-8 estimate 4.5, 90% interval 0.0 to 11.0, from face; simulated: a demonstration that says nothing about "
        "this person>"
    )
    clinical = replace(analysis(), phq=replace(analysis().phq, provenance=Provenance.CLINICAL))
    assert repr(clinical).endswith("; clinical labels, not a diagnosis>")
    nobody = replace(analysis(seen=(False, False)), phq=PhqUnavailable(UnavailableReason.NO_FACE))
    assert "face seen in 0%: no face" in repr(nobody)
    assert repr(nobody).endswith(" no PHQ estimate: no face was found in the recording>")


def test_the_card_says_provenance_and_that_it_is_no_diagnosis():
    html = analysis(name="<b>&.mp4", rate=30)._repr_html_()
    for part in (
        "&lt;b&gt;&amp;.mp4",
        "simulated",
        "not a diagnosis",
        "vit-12345678",
        "it is &lt;dark&gt;",
        "60 of 60 frames",
    ):
        assert part in html
    assert "<b>" not in html
    assert "no face was seen" in analysis(seen=(False,))._repr_html_()


def test_the_chart_has_gaps_where_the_face_was_not_seen():
    figure = analysis(rate=30).plot()
    lines = {trace.name: trace for trace in figure.data}
    assert list(lines) == [*EMOTIONS, "pitch", "yaw", "roll", "left eye", "right eye", "mouth"]
    assert np.isnan(lines["happiness"].y).tolist() == [False, False, True, False]
    np.testing.assert_array_equal(lines["yaw"].x, np.arange(60) / 30)
    assert len(analysis().plot().data) == len(EMOTIONS)


def test_a_long_chart_is_averaged():
    result = analysis(rate=30, seconds=300.5)
    (yaw,) = [trace for trace in result.plot().data if trace.name == "yaw"]
    assert len(yaw.x) <= MOST_POINTS
    np.testing.assert_allclose(yaw.y, yaw.x, atol=1e-4)
    assert yaw.x[0] == pytest.approx(1 / 30)  # the mean of the first three rows
