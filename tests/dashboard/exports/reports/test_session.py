"""Reports: what they say, that both formats say it, and that no text can be more than text."""

from __future__ import annotations

import dataclasses
import io
import re
from datetime import UTC, datetime
from html import unescape
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from analysis_samples import MONDAY, new_session, sample_analysis, sample_estimate
from behaviour_samples import sample_behaviour, with_hidden_eyes
from chart_samples import answers, frames, trend
from matplotlib.figure import Figure
from PIL import Image
from pypdf import PdfReader
from synthetic_sessions import Plan, synthetic_analysis

from dashboard import i18n
from dashboard.charts import clock
from dashboard.exports.reports import figures
from dashboard.exports.reports.blocks import Chart, Facts, Heading, Report, Rows, Words
from dashboard.exports.reports.html import to_html
from dashboard.exports.reports.pdf import to_pdf
from dashboard.exports.reports.session import session_report
from dashboard.widgets import ui
from db.store import Store
from fer_phq.core import texts
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message
from fer_phq.core.phq import PhqResult, PhqUnavailable, Provenance, UnavailableReason
from fer_phq.pipeline import messages
from service.views.session import load_session_view

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


def words_of(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages)


def text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", html.partition("</style>")[2]))


def report_of(
    store: Store, phq: PhqResult | None = None, gaps: tuple[int, ...] = (3, 4), label: str = "P-01"
) -> Report:
    session = new_session(store, store.subjects.get_or_create(label=label).id)
    store.notes.add(session_id=session.id, time_s=61.0, words="<b>looks</b> away & smiles", tag="avoidance")
    analysis_id = store.analyses.save(session_id=session.id, analysis=sample_analysis(phq=phq, gaps=gaps))
    detail = store.sessions.get_detail(session_id=session.id)
    return session_report(load_session_view(store, detail, analysis_id), BERLIN, NOW)


def test_both_formats_say_what_the_report_says(store: Store) -> None:
    report = report_of(store)
    pdf, html = words_of(to_pdf(report)), text_of(to_html(report))
    for said in (pdf, html):
        for wanted in (
            *("P-01", "Session of 2 Mar 2026, 10:30", "7.5 on the PHQ-8 (0 to 24)", "4.5 to 10.5", "Simulated labels"),
            *("1:01", "avoidance", "<b>looks</b> away & smiles", "2 people were in view", "model-a", "none recorded"),
            *(ui.SIMULATED_SENTENCE, ui.NOT_A_DIAGNOSIS, "Not a diagnosis.", "5 Mar 2026, 13:00"),
        ):
            assert wanted in " ".join(said.split()), wanted


def test_a_long_session_is_smoothed_and_its_strongest_episodes_are_listed(store: Store) -> None:
    analysis = synthetic_analysis(1, Plan(seconds=1800))
    session = store.sessions.create(
        subject_id=store.subjects.create(label="P-03").id,
        recorded_at=MONDAY,
        recording=analysis.recording,
        original_name="long.mp4",
        media_path=None,
    )
    analysis_id = store.analyses.save(session_id=session.id, analysis=analysis)
    view = load_session_view(store, store.sessions.get_detail(session_id=session.id), analysis_id)
    report = session_report(view, BERLIN, NOW)
    episodes = view.analysis.episodes
    (table,) = [block for block in report.blocks if isinstance(block, Rows) and block.head[0] == "Expression"]
    strongest = pd.concat([rows.nlargest(3, "peak") for _, rows in episodes.groupby("emotion")])
    assert [row[1] for row in table.cells] == [clock(s) for s in sorted(strongest["onset_s"])]
    said = words_of(to_pdf(report))
    assert f"{len(episodes)} expression episodes: " in said
    assert "The 3 strongest of each are listed." in said
    assert "Emotions are smoothed over 15 s" in said


def test_a_short_session_is_drawn_as_it_was_measured(store: Store) -> None:
    assert "smoothed" not in words_of(to_pdf(report_of(store)))


def behaviour_report(store: Store, series: FeatureSeries) -> Report:
    session = new_session(store, store.subjects.create(label="P-02").id)
    analysis = dataclasses.replace(sample_analysis(frames=40), behaviour=series)
    analysis_id = store.analyses.save(session_id=session.id, analysis=analysis)
    detail = store.sessions.get_detail(session_id=session.id)
    return session_report(load_session_view(store, detail, analysis_id), BERLIN, NOW)


def test_what_was_hardly_seen_is_not_counted_but_told_with_the_reason(store: Store) -> None:
    """No blink of eyes that were hidden is no count of blinks."""
    report = behaviour_report(store, with_hidden_eyes(sample_behaviour(30.0, 20.0)))
    counts = {title: value for block in report.blocks if isinstance(block, Facts) for title, value in block.pairs}
    assert counts["Smiles of the mouth"] == "2"
    assert "Blinks" not in counts
    assert "Not measured: Blinks, " in words_of(to_pdf(report))
    assert "hidden, too small or blurred; this needs" in words_of(to_pdf(report))


def test_a_session_of_which_nothing_can_be_measured_says_why(store: Store) -> None:
    report = behaviour_report(store, sample_behaviour(30.0, 20.0, gap=(2.0, 20.0)))
    assert not any(isinstance(block, Facts) and "Blinks" in dict(block.pairs) for block in report.blocks)
    assert "It was seen for 2 s of the recording; this needs 10 s." in words_of(to_pdf(report))


def test_facial_behaviour_is_told_with_what_a_change_means(store: Store) -> None:
    report = behaviour_report(store, sample_behaviour(30.0, 20.0))
    for told in (words_of(to_pdf(report)), " ".join(text_of(to_html(report)).split())):
        assert "30 frames a second" in told
        assert "12.0 a minute" in told
        assert "More in depression, falling to usual rates with treatment (Mackintosh et al. 1983)." in told
        assert "The recording is shorter than three minutes" in told


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    "reason", [messages.NO_BEHAVIOUR(), messages.NO_BEHAVIOUR_OF_KEY_FRAMES(), messages.BEHAVIOUR_OF_OTHER_FACES()]
)
def test_an_analysis_without_facial_behaviour_says_why(store: Store, reason: Message, language: str) -> None:
    analysis = dataclasses.replace(sample_analysis(), warnings=(reason,))
    session = new_session(store, store.subjects.create(label="P-03").id)
    analysis_id = store.analyses.save(session_id=session.id, analysis=analysis)
    view = load_session_view(store, store.sessions.get_detail(session_id=session.id), analysis_id)
    with i18n.speaking(language):
        report = session_report(view, BERLIN, NOW)
        heading = report.blocks.index(Heading(i18n._("Facial behaviour")))
        assert report.blocks[heading + 1] == Words(i18n.render(reason))
        for told in (words_of(to_pdf(report)), " ".join(text_of(to_html(report)).split())):
            assert told.count(i18n.render(reason)[:40]) == 2, "above as a warning, and in its place"


def test_an_analysis_of_before_there_was_behaviour_says_so(store: Store) -> None:
    assert "An earlier version made this analysis, and did not follow the face mesh." in words_of(
        to_pdf(report_of(store))
    )


def test_a_face_that_is_in_no_frame_has_no_behaviour_in_a_report(store: Store) -> None:
    report = behaviour_report(store, sample_behaviour(30.0, 20.0, gap=(0.0, 20.0)))
    assert "in no frame was the subject's head pose known" in words_of(to_pdf(report))


def test_a_rate_below_ten_is_said_with_its_decimal(store: Store) -> None:
    report = behaviour_report(store, sample_behaviour(2.5, 20.0))
    facts = {title: value for block in report.blocks if isinstance(block, Facts) for title, value in block.pairs}
    assert facts["Looked at"] == "2.5 frames a second"


def test_every_page_says_that_it_is_no_diagnosis(store: Store) -> None:
    reader = PdfReader(io.BytesIO(to_pdf(report_of(store))))
    assert len(reader.pages) >= 2
    for number, page in enumerate(reader.pages, 1):
        assert page.extract_text().count("Not a diagnosis.") >= 1
        assert str(number) in page.extract_text()
    assert reader.metadata is not None
    assert reader.metadata.title == "P-01: Session of 2 Mar 2026, 10:30, 0:10 min"


def test_a_clinical_estimate_is_told_with_its_band(store: Store) -> None:
    estimate = dataclasses.replace(sample_estimate(12.0), provenance=Provenance.CLINICAL, low=10.2, high=14.1)
    said = words_of(to_pdf(report_of(store, estimate)))
    assert "Clinical labels" in said
    assert "The whole interval lies in the band “moderate”. A model's estimate is not a diagnosis." in said
    assert ui.SIMULATED_SENTENCE not in said


def test_no_face_is_a_report_too(store: Store) -> None:
    phq = PhqUnavailable(UnavailableReason.NO_FACE)
    report = report_of(store, phq, gaps=tuple(range(20)))
    said = words_of(to_pdf(report))
    assert "No estimate." in said
    assert "not found in any sampled frame" in said
    assert not [block for block in report.blocks if isinstance(block, Chart)]


def test_the_reason_for_no_estimate_is_in_the_reports_language(store: Store) -> None:
    detail = texts.COVERAGE_BELOW_FLOOR(coverage=0.21, floor=0.3)
    with i18n.speaking("de"):
        html = text_of(to_html(report_of(store, PhqUnavailable(UnavailableReason.LOW_COVERAGE, detail))))
        assert i18n.render(detail)[1:] in html
    assert str(detail)[1:] not in html


def test_names_in_other_scripts(store: Store) -> None:
    said = words_of(to_pdf(report_of(store, label="Łucja Жукова Ελένη")))
    assert "Łucja Жукова Ελένη" in said


def test_text_is_only_text() -> None:
    nasty = '<img src="http://x/y.png"/><font color="red">&amp; <script>alert(1)</script> {} %s \\'
    blocks = (
        Heading(nasty),
        Words(nasty),
        Words(nasty, "warning"),
        Facts(((nasty, nasty),)),
        Rows((nasty,), ((nasty,),)),
    )
    report = Report(nasty, nasty, nasty, blocks)
    html = to_html(report)
    assert "<script>" not in html
    assert "<img src" not in html
    assert words_of(to_pdf(report)).count("alert(1)") >= 8


def test_a_long_table_goes_on_on_the_next_page_under_its_head() -> None:
    rows = Rows(("Session", "Words"), tuple((f"row {i}", "word " * (i % 60)) for i in range(150)))
    reader = PdfReader(io.BytesIO(to_pdf(Report("Long", "", "", (rows,)))))
    assert len(reader.pages) > 3
    assert all("Session" in page.extract_text() for page in reader.pages)
    assert "row 149" in words_of(to_pdf(Report("Long", "", "", (rows,))))


def test_a_cell_longer_than_a_page_is_still_written() -> None:
    rows = Rows(("At", "Note"), (("0:01", "a long note " * 330),))
    assert words_of(to_pdf(Report("Long", "", "", (rows,)))).count("long note") == 330


def drawn(figure: Figure) -> Image.Image:
    picture = Image.open(io.BytesIO(Chart(figure, "").png())).convert("RGB")
    assert picture.width > 1200
    return picture


def has(picture: Image.Image, colour: str) -> float:
    """Share of the picture that has a colour."""
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return float((np.abs(np.asarray(picture).astype(int) - wanted).max(axis=2) < 8).mean())


@pytest.mark.parametrize("states", ["ffggflgf", "f", "g", "gggg", "f" * 5000])
def test_the_timeline_shows_faces_and_gaps(states: str) -> None:
    table = frames(states)
    picture = drawn(figures.timeline_figure(table))
    colours = figures.STATE_COLOURS
    assert (has(picture, colours["low"]) > 0.004) == ("l" in states)
    if set(states) == {"g"}:
        assert has(picture, figures.LIGHT.emotions[0]) < 0.001
    else:
        mixed = len(states) > 1000  # so many thin stripes blend where they meet
        assert sum(has(picture, colour) for colour in figures.LIGHT.emotions) > (0.03 if mixed else 0.1)


def test_the_shares_have_their_emotions_colours() -> None:
    values = pd.DataFrame({"emotion": ["happiness", "anger"], "value": [0.9, 0.1]})
    picture = drawn(figures.shares_figure(values))
    assert has(picture, figures.LIGHT.emotion("happiness")) > 5 * has(picture, figures.LIGHT.emotion("anger")) > 0


def test_estimates_are_coloured_by_their_provenance() -> None:
    clinical = dataclasses.replace(sample_estimate(), provenance=Provenance.CLINICAL)
    assert has(drawn(figures.estimate_figure(clinical)), figures.LIGHT.accent) > 0
    assert has(drawn(figures.estimate_figure(sample_estimate())), figures.LIGHT.accent) == 0


@pytest.mark.parametrize("provenance", ["simulated", "clinical", None])
def test_trends_over_dates(provenance: str | None) -> None:
    picture = drawn(figures.phq_trend_figure(trend(provenance), answers()))
    assert (has(picture, figures.LIGHT.accent) > 0) == (provenance == "clinical")
    assert has(picture, figures.LIGHT.ink) > 0
    drawn(figures.phq_trend_figure(trend(provenance, 0), answers(0)))
    assert has(drawn(figures.emotion_trend_figure(trend(provenance))), figures.LIGHT.emotions[3]) > 0.02


@pytest.mark.slow
def test_many_sessions_still_fit() -> None:
    drawn(figures.emotion_trend_figure(trend("simulated", 200)))


def test_monday_is_a_date_in_the_zone_of_the_viewer(store: Store) -> None:
    assert MONDAY.tzinfo is UTC
    assert "2 Mar 2026, 10:30" in report_of(store).lead
