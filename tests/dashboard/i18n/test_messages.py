"""Messages of the packages below, written in the viewer's language."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest
from analysis_samples import sample_analysis, sample_recording
from streamlit.testing.v1 import AppTest

from dashboard.i18n import translation as i18n
from db.records import NotFoundError
from db.store import Store
from fer_phq.core import texts
from fer_phq.core.errors import FerPhqError, RecordingError, SettingsError, StoreError
from fer_phq.core.messages import from_json, literal, to_json
from fer_phq.core.phq import PhqUnavailable, UnavailableReason
from fer_phq.video import messages as video
from fer_phq.video import probe
from fer_phq.words.transcripts.reading import parse_transcript
from service.ingest.questionnaire_csv import read_questionnaire_table
from service.settings import load_settings

MAIN = Path(__file__).parents[3] / "dashboard" / "main.py"


def errors_of_real_things(tmp_path: Path, store: Store) -> list[FerPhqError]:
    """What is raised where something is really wrong."""
    empty, text = tmp_path / "empty.mp4", tmp_path / "text.mp4"
    empty.touch()
    text.write_text("no video", encoding="utf-8")
    errors: list[FerPhqError] = []
    for path in (empty, text, tmp_path, tmp_path / "gone.mp4"):
        with pytest.raises(RecordingError) as refused:
            probe(path)
        errors.append(refused.value)
    for document in (b"", b"\xff\xfe\x00", b"start,end,text\n5,3,words\n"):
        with pytest.raises(FerPhqError) as unread:
            parse_transcript(document, "a.csv")
        errors.append(unread.value)
    with pytest.raises(NotFoundError) as missing:
        store.sessions.get_detail(session_id="none")
    store.subjects.create(label="P")
    with pytest.raises(StoreError) as twice:
        store.subjects.create(label="P")
    return [*errors, missing.value, twice.value]


def test_errors_that_are_really_raised_are_said_in_german(tmp_path: Path, store: Store) -> None:
    for error in errors_of_real_things(tmp_path, store):
        assert i18n.render(error.message, "en") == str(error)
        assert i18n.render(error.message, "de") != str(error)
        assert i18n.render(from_json(to_json(error.message)), "de") == i18n.render(error.message, "de")


def test_a_persons_own_words_are_not_translated(store: Store) -> None:
    for label in ("training", "session", "model 1.2", "{x} {0}"):
        store.subjects.create(label=label)
        with pytest.raises(StoreError) as twice:
            store.subjects.create(label=label)
        expected = f"Es gibt schon eine Person „{label}“: ein anderes Kürzel wählen."
        assert i18n.render(twice.value.message, "de") == expected
    assert i18n.render(literal("The analysis was cancelled."), "de") == "The analysis was cancelled."


def test_numbers_have_the_decimal_mark_of_the_language() -> None:
    message = video.SOUND_ENDS(end_s=3.5)
    assert "3.5 s" in i18n.render(message, "en")
    assert "3,5 s" in i18n.render(message, "de")


def test_percentages_are_written_as_in_the_language() -> None:
    message = texts.COVERAGE_BELOW_FLOOR(coverage=0.125, floor=0.3)
    assert "12% of the recording, below 30%" in i18n.render(message, "en")
    assert "12\N{NO-BREAK SPACE}%" in i18n.render(message, "de")
    assert "30\N{NO-BREAK SPACE}%" in i18n.render(message, "de")
    assert i18n.percent_pattern("fr") == "{}\N{NO-BREAK SPACE}%"
    assert i18n.percent_pattern("tr") == "%{}"


def test_what_is_wrong_with_a_field_is_said_in_german(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value, english, german in (
        ("FERPHQ_FPS", "0", "FERPHQ_FPS cannot be used: Input should be greater than 0.", "muss größer als 0 sein"),
        ("FERPHQ_PORT", "eighty", "unable to parse string as an integer", "muss eine ganze Zahl sein"),
        ("FERPHQ_SECRET", "short", "at least 16 characters", "mindestens 16 Zeichen"),
        ("FERPHQ_WORKER_ID", "a b", "should match pattern", "muss dem Muster"),
    ):
        monkeypatch.setenv(name, value)
        with pytest.raises(SettingsError) as refused:
            load_settings()
        monkeypatch.delenv(name)
        assert english in str(refused.value)
        assert german in i18n.render(refused.value.message, "de")


def test_answers_that_cannot_be_scored_are_said_in_german(store: Store) -> None:
    subject = store.subjects.create(label="P")
    for scale, items, difficulty, german in (
        ("PHQ-9", [1] * 8, None, "Der PHQ-9 hat 9 Fragen, 8 Antworten liegen vor."),
        ("PHQ-9", [4] * 9, None, "Jede Frage des PHQ-9 muss mit 0, 1, 2 oder 3 beantwortet sein."),
        ("PHQ-9", [0] * 9, 2, "Nach der Beeinträchtigung wird nur gefragt, wenn eine Antwort über 0 liegt."),
        ("PHQ-7", [0] * 7, None, "Es gibt keinen Fragebogen „PHQ-7“: einen von PHQ-8, PHQ-9 verwenden."),
    ):
        with pytest.raises(StoreError) as refused:
            store.questionnaires.save(
                subject_id=subject.id,
                scale=scale,  # type: ignore[arg-type]
                items=items,
                difficulty=difficulty,
                answered_at=datetime(2026, 3, 2, tzinfo=UTC),
            )
        assert i18n.render(refused.value.message, "de") == german


def test_every_reason_for_no_estimate_is_german() -> None:
    for reason in UnavailableReason:
        message = PhqUnavailable(reason).message
        assert i18n.render(message, "de") != str(message)


def test_a_tables_problems_are_said_by_row(store: Store) -> None:
    store.subjects.create(label="P-1")
    document = b"subject,answered_at,scale," + b",".join(b"item%d" % i for i in range(1, 10)) + b"\n"
    document += b"P-1,someday,PHQ-9,0,0,0,0,0,0,0,0,7\n"
    table = read_questionnaire_table(document, zone=UTC, now=datetime(2026, 5, 1, tzinfo=UTC))
    german = [i18n.render(problem.message_with_place, "de") for problem in table.problems]
    assert "Zeile 2: „someday“ ist kein Datum; als 2026-11-03 oder 2026-11-03 14:05 schreiben." in german
    assert "Zeile 2: item9 ist „7“; 0, 1, 2 oder 3 schreiben." in german


OLD_WARNING = "A sentence of an older release."


@pytest.mark.usefixtures("installation")
def test_a_sessions_warnings_and_its_missing_estimate_are_german_on_its_page(store: Store) -> None:
    store.settings.set(key=i18n.SETTING, value="de")
    recording = sample_recording("cut")
    session = store.sessions.create(
        subject_id=store.subjects.create(label="P-1").id,
        recorded_at=datetime(2026, 5, 1, tzinfo=UTC),
        recording=recording,
        original_name="cut.mp4",
        media_path=None,
    )
    warning = video.SOUND_ENDS(end_s=3.5)
    detail = texts.COVERAGE_BELOW_FLOOR(coverage=0.21, floor=0.3)
    analysis = dataclasses.replace(
        sample_analysis(recording),
        warnings=(warning, literal(OLD_WARNING)),
        phq=PhqUnavailable(UnavailableReason.LOW_COVERAGE, detail),
    )
    store.analyses.save(session_id=session.id, analysis=analysis)
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    app.query_params["session"] = session.id
    app.switch_page("app_pages/session.py").run()
    assert not app.exception
    page = "".join(part.value for part in app.get("html"))
    assert i18n.render(warning, "de") in page
    assert OLD_WARNING in page
    reason = i18n.render(detail, "de")[1:]
    assert reason in page
    assert str(detail)[1:] not in page
