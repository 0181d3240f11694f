"""What the layers below say, in German: recognised from the filled-in sentence."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest
from analysis_samples import sample_analysis, sample_recording
from streamlit.testing.v1 import AppTest

from dashboard.i18n import translation as i18n
from dashboard.i18n.beneath import PARTS, told, told_all
from dashboard.i18n.extract import FIELD, sentences
from db.records import NotFoundError
from db.store import Store
from fer_phq.core.errors import FerPhqError, RecordingError, StoreError
from fer_phq.core.messages import literal
from fer_phq.video import probe
from fer_phq.words.reading import parse_transcript
from service.ingest.questionnaire_csv import read_questionnaire_table

MAIN = Path(__file__).parents[3] / "dashboard" / "main.py"


@pytest.mark.parametrize(
    ("sentence", "german"),
    [
        ("Waiting: 1 recording is ahead.", "Wartet: 1 Aufnahme ist noch davor."),
        ("Waiting: 3 recordings are ahead.", "Wartet: 3 Aufnahmen sind noch davor."),
        (
            "Analysing: 120 of about 400 frames, 24.5 frames/s, about 1 min left.",
            "Analyse läuft: 120 von etwa 400 Bildern, 24,5 Bilder/s, noch etwa 1 min.",
        ),
        (
            "The recording is cut short: its pictures end at 3.5 s of 12.0 s, the rest is missing.",
            "Die Aufnahme ist abgeschnitten: Ihre Bilder enden bei 3,5 s von 12,0 s, der Rest fehlt.",
        ),
        (
            "3 of 12 cues (the first at line 4) hold no words and were left out.",
            "3 von 12 Abschnitten (der erste in Zeile 4) enthalten keine Worte und wurden ausgelassen.",
        ),
        (
            "A personal baseline of the estimates needs 3 sessions with a PHQ-9 score within 14 days; there are none.",
            "Ein persönlicher Bezugswert der Schätzwerte braucht 3 Sitzungen mit einem PHQ-9-Fragebogenwert innerhalb "
            "von 14 Tagen; es gibt keine.",
        ),
        (
            "There is no session 'abc' in the database: it may have been erased.",
            "„abc“ (Sitzung) gibt es in der Datenbank nicht: vielleicht wurde es gelöscht.",
        ),
        (
            "The recording is larger than the 1.5 GiB this installation takes; send a shorter or smaller one.",
            "Die Aufnahme ist größer als die 1,5 GiB, die diese Installation annimmt; eine kürzere oder kleinere "
            "senden.",
        ),
        ("The column has never been heard of.", "The column has never been heard of."),
        ("", ""),
    ],
)
def test_sentences_are_recognised_with_what_was_filled_in(sentence: str, german: str) -> None:
    assert told(sentence) == sentence, "English is what it is"
    with i18n.speaking("de"):
        assert told(sentence) == german
        assert told_all([sentence, sentence]) == [german, german]


def test_every_template_is_recognised_as_itself() -> None:
    """Filled in with words that are nobody's, each sentence finds its own template and no other."""
    with i18n.speaking("de"):
        for one in sentences():
            names = FIELD.findall(one.template)
            filled = one.template.format(**{name: f"Q{i}z" for i, name in enumerate(names)})
            german = i18n._(one.template).format(**{name: f"Q{i}z" for i, name in enumerate(names)})
            assert told(filled) == german


def test_what_a_stranger_puts_in_takes_no_time() -> None:
    """The patterns would look for minutes."""
    evil = " sessions of " * 400 + " people are too few: a set of modalities needs " * 200 + " of " * 400
    for hostile in (f"There is no session '{evil}' in the database: it may have been erased.", "Row 1: " * 800):
        with i18n.speaking("de"):
            assert told(hostile) == hostile


def test_a_persons_own_words_are_not_translated() -> None:
    with i18n.speaking("de"):
        assert told("The analysis was cancelled.") == "Die Analyse wurde abgebrochen."
        said = told("There is already a subject 'training': choose another label.")
        assert said == "Es gibt schon eine Person „training“: ein anderes Kürzel wählen."
        braces = told("There is already a subject '{x} {0}': choose another label.")
        assert "„{x} {0}“" in braces


def errors_of_real_things(tmp_path: Path, store: Store) -> list[FerPhqError]:
    """What is raised where something is really wrong."""
    empty, text = tmp_path / "empty.mp4", tmp_path / "text.mp4"
    empty.touch()
    text.write_text("no video", encoding="utf-8")
    found: list[FerPhqError] = []
    for path in (empty, text, tmp_path, tmp_path / "gone.mp4"):
        with pytest.raises(RecordingError) as refused:
            probe(path)
        found.append(refused.value)
    for document in (b"", b"\xff\xfe\x00", b"start,end,text\n5,3,words\n"):
        with pytest.raises(FerPhqError) as unread:
            parse_transcript(document, "a.csv")
        found.append(unread.value)
    with pytest.raises(NotFoundError) as missing:
        store.sessions.get_detail(session_id="none")
    store.subjects.create(label="P")
    with pytest.raises(StoreError) as twice:
        store.subjects.create(label="P")
    return [*found, missing.value, twice.value]


def test_errors_that_are_really_raised_are_said_in_german(tmp_path: Path, store: Store) -> None:
    for error in errors_of_real_things(tmp_path, store):
        with i18n.speaking("de"):
            assert told(str(error)) != str(error)


def test_a_tables_problems_are_said_by_row(store: Store) -> None:
    store.subjects.create(label="P-1")
    document = b"subject,answered_at,scale," + b",".join(b"item%d" % i for i in range(1, 10)) + b"\n"
    document += b"P-1,someday,PHQ-9,0,0,0,0,0,0,0,0,7\n"
    table = read_questionnaire_table(document, zone=UTC, now=datetime(2026, 5, 1, tzinfo=UTC))
    with i18n.speaking("de"):
        said = told_all([str(problem) for problem in table.problems])
    assert "Zeile 2: „someday“ ist kein Datum; als 2026-11-03 oder 2026-11-03 14:05 schreiben." in said
    assert "Zeile 2: item9 ist „7“; 0, 1, 2 oder 3 schreiben." in said


WARNED = (
    "The recording is cut short: its pictures end at 3.5 s, the rest is missing.",
    "A sentence of an older release.",
)


@pytest.mark.usefixtures("installation")
def test_a_sessions_warnings_are_german_on_its_page(store: Store) -> None:
    store.settings.set(key=i18n.SETTING, value="de")
    recording = sample_recording("cut")
    session = store.sessions.create(
        subject_id=store.subjects.create(label="P-1").id,
        recorded_at=datetime(2026, 5, 1, tzinfo=UTC),
        recording=recording,
        original_name="cut.mp4",
        media_path=None,
    )
    analysis = dataclasses.replace(sample_analysis(recording), warnings=tuple(map(literal, WARNED)))
    store.analyses.save(session_id=session.id, analysis=analysis)
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    app.query_params["session"] = session.id
    app.switch_page("app_pages/session.py").run()
    assert not app.exception
    shown = "".join(part.value for part in app.get("html"))
    assert "Die Aufnahme ist abgeschnitten: Ihre Bilder enden bei 3,5 s, der Rest fehlt." in shown
    assert WARNED[0] not in shown
    assert WARNED[1] in shown


def test_parts_stand_in_the_code_below() -> None:
    """A part that nothing says any more is left in nobody's catalogue."""
    root = MAIN.parents[1]
    code = "".join(
        path.read_text(encoding="utf-8")
        for layer in ("fer_phq", "db", "service", "training")
        for path in (root / layer).rglob("*.py")
    )
    for part in PARTS:
        longest = max(part.replace("{", "}").split("}")[::2], key=len).strip(" :;.()")
        assert (longest[:25] if " " in part else f'"{part}"') in code, part
