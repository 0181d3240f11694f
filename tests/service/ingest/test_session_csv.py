"""Tables that name recordings and questionnaires: what is wrong with one is told at once, by row."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from db.records import NewTranscript
from db.store import Store
from fer_phq.core.csv_input import Problem
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import literal
from fer_phq.core.phq import Scale
from service.ingest import questionnaire_csv, session_csv
from service.ingest.questionnaire_csv import ImportResult, import_questionnaires, read_questionnaire_table
from service.ingest.session_csv import SessionTable, read_session_table
from service.ingest.transcripts import CheckedTranscript, check_transcript

NOW = datetime(2026, 11, 5, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
VTT = b"WEBVTT\n\n00:00.000 --> 00:01.000\n<v Client>Hello there\n\n00:01.000 --> 00:02.000\n<v Therapist>Hello\n"


def transcript(name: str) -> CheckedTranscript:
    if not name.endswith(".vtt"):
        raise FerPhqError(f"There is no transcript {name} among those chosen.")
    return check_transcript(name, VTT)


def read(text: str | bytes, **more: object) -> SessionTable:
    document = text.encode() if isinstance(text, str) else text
    given = {"zone": BERLIN, "now": NOW, "consent_by": "AB", "open_transcript": transcript, **more}
    return read_session_table(document, **given)  # type: ignore[arg-type]


def says(table: SessionTable) -> list[str]:
    return [str(problem) for problem in table.problems]


def test_a_table_says_everything_of_its_recordings() -> None:
    table = read(
        "\ufeffFile;Subject;recorded_at;consent_by;keep_days;transcript;speaker\r\n"
        "a.mp4;P01;2026-11-03 14:05;Dr Meyer;365;a.vtt;client\r\n"
        ";;;;;;\r\n"
        'b.mp4;"P;02";;;;;\r\n'
    )
    assert table.problems == ()
    first, second = table.rows
    assert (first.row, first.file, first.subject, first.consent_by, first.keep_days) == (
        2,
        "a.mp4",
        "P01",
        "Dr Meyer",
        365,
    )
    assert first.recorded_at == datetime(2026, 11, 3, 13, 5, tzinfo=UTC), "the viewer's zone is meant"
    assert first.transcript == NewTranscript("a.vtt", VTT, "Client")
    assert (second.row, second.subject, second.recorded_at, second.consent_by) == (4, "P;02", None, "AB")
    assert table.by_file["b.mp4"] is second


def test_who_of_several_speakers_is_the_subject_is_a_problem_until_the_table_says_it() -> None:
    def two_names(name: str) -> CheckedTranscript:
        return check_transcript(name, VTT.replace(b"Client", b"Anna").replace(b"Therapist", b"Ben"))

    heading = "file,subject,transcript,speaker\n"
    table = read(f"{heading}a.mp4,P01,a.vtt,\n", open_transcript=two_names)
    assert [(problem.row, problem.column, problem.message.code) for problem in table.problems] == [
        (2, "transcript", "ingest.speaker_needed")
    ]
    row = read(f"{heading}a.mp4,P01,a.vtt,ben\n", open_transcript=two_names).rows[0]
    assert row.transcript is not None
    assert row.transcript.speaker == "Ben"


def test_the_example_is_a_good_table() -> None:
    assert read(session_csv.EXAMPLE).problems == ()
    good = read_questionnaire_table(questionnaire_csv.EXAMPLE.encode(), zone=BERLIN, now=NOW)
    assert good.problems == ()
    assert [(one.scale, sum(one.items), one.difficulty) for one in good.rows] == [
        (Scale.PHQ9, 8, 1),
        (Scale.PHQ8, 3, None),
    ]


def test_every_problem_is_told_with_its_row() -> None:
    table = read(
        "file,subject,recorded_at,consent_by,keep_days,transcript,speaker\n"
        "a.mp4,P01,03.11.2026,,,,\n"
        ",,2027-01-01,,0,,\n"
        "a.mp4,P02,,,,,\n"
        "c.mp4,P03,,,,c.txt,\n"
        "d.mp4,P04,,,,d.vtt,Nobody\n"
        "e.mp4,P05,,,,,Client\n"
        "f.mp4,P06,,,,,,extra\n"
        "lost.mp4,P07,,,,,\n"
        "z.mp4,P08,,,,,\n",
        consent_by="",
        file_problem=lambda name: literal(f"there is no file '{name}'.") if name == "lost.mp4" else None,
    )
    nobody = "nobody is named who recorded the consent; fill in consent_by, or name somebody on the page."
    found = says(table)
    assert "Row 2: '03.11.2026' is no date; write it as 2026-11-03 or 2026-11-03 14:05." in found
    assert "Row 3: it names no file." in found
    assert "Row 3: the subject must be one line of 1 to 200 characters." in found
    assert "Row 3: the date '2027-01-01' lies in the future." in found
    assert "Row 3: keep_days is '0'; write whole days from 1 to 36500, or leave it empty." in found
    assert "Row 4: the file 'a.mp4' stands in row 2 already." in found
    assert "Row 5: There is no transcript c.txt among those chosen." in found
    assert "Row 6: The transcript d.vtt has no speaker 'Nobody': it has Client, Therapist." in found
    assert "Row 7: it names a speaker and no transcript." in found
    assert "Row 8: it has 8 cells, the heading has 7." in found
    assert "Row 9: there is no file 'lost.mp4'." in found
    assert [row for row in range(2, 11) if f"Row {row}: {nobody}" in found] == [2, 3, 4, 5, 6, 7, 9, 10]
    assert [problem.row for problem in table.problems] == sorted(problem.row or 0 for problem in table.problems)
    assert table.rows == ()


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (b"", "The table is empty."),
        (b"  \n\n", "The table is empty."),
        (b"file,subject\n", "The table has a heading and no rows below it."),
        (b"file,subject\na.mp4,M\xfcller\n", "Row 2: it is not UTF-8 text; save the table as 'CSV UTF-8' and"),
        (b"\x00\x01\x02", "The file is no text"),
        (b"file,name\na.mp4,P01\n", "Row 1: the column 'name' is unknown; the columns are file, subject_id,"),
        (b"file,subject,,\na.mp4,P01,,\n", "Row 1: the column without a name is unknown"),
        (b"file,file,subject\na,a,P\n", "Row 1: the column 'file' is there 2 times; leave one."),
        (b"file\na.mp4\n", "Row 1: the column 'subject_id' is missing."),
        (b'file,subject\na.mp4,"P01\n', "Row 2: a quotation mark is not closed"),
        (b"file,subject\n" + b"a,b\n" * 5001, "The table has 5001 rows; split it"),
        (b"file,subject\n" + b"x" * (8 << 20), "The table is larger than 8 MiB"),
    ],
)
def test_what_is_no_table_is_one_sentence(document: bytes, sentence: str) -> None:
    table = read(document)
    assert any(said.startswith(sentence) for said in says(table)), says(table)
    assert table.rows == ()


def test_problems_sort_by_row_and_the_whole_file_comes_first() -> None:
    problems = [Problem(10, "", literal("b")), Problem(2, "", literal("a")), Problem(None, "", literal("c"))]
    assert str(sorted(problems)[0]) == "c"


def test_questionnaires_of_a_table_are_told_by_row() -> None:
    heading = "subject,scale,answered_at,item1,item2,item3,item4,item5,item6,item7,item8,item9\n"
    table = read_questionnaire_table(
        (
            heading + "P01,phq-9,2026-11-03,1,2,1,2,0,1,1,0,0\n"
            "P01,PHQ-9,2026-11-03,1,2,1,2,0,1,1,0,0\n"
            "P02,PHQ-8,2026-11-03,1,2,1,2,0,1,1,0,1\n"
            "P03,PHQ-9,2026-11-03,1,2,1,2,0,1,1,4,\n"
            "P04,GAD-7,someday,1,2,1,2,0,1,1,0,0\n"
            ",PHQ-9,2027-11-03,1,2,1,2,0,1,1,0,0\n"
        ).encode(),
        zone=UTC,
        now=NOW,
    )
    assert [one.row for one in table.rows] == [2]
    assert [str(problem) for problem in table.problems] == [
        "Row 3: it says the same as row 2.",
        "Row 4: a PHQ-8 has no item9; leave it empty, or write PHQ-9.",
        "Row 5: item8 is '4'; write 0, 1, 2 or 3.",
        "Row 5: item9 is empty; a questionnaire with a gap has no score.",
        "Row 6: 'someday' is no date; write it as 2026-11-03 or 2026-11-03 14:05.",
        "Row 6: the scale 'GAD-7' is unknown; write PHQ-8 or PHQ-9.",
        "Row 7: the date '2027-11-03' lies in the future.",
        "Row 7: the subject must be one line of 1 to 200 characters.",
    ]


def test_a_table_may_hold_the_difficulty_where_it_was_answered() -> None:
    heading = "subject,scale,answered_at,item1,item2,item3,item4,item5,item6,item7,item8,difficulty\n"
    table = read_questionnaire_table(
        (
            heading + "P01,PHQ-8,2026-11-03,1,0,0,0,0,0,0,0,3\n"
            "P02,PHQ-8,2026-11-03,1,0,0,0,0,0,0,0,\n"
            "P03,PHQ-8,2026-11-03,0,0,0,0,0,0,0,0,0\n"
            "P04,PHQ-8,2026-11-03,1,0,0,0,0,0,0,0,4\n"
            "P05,PHQ-8,2026-11-03,1,0,0,0,0,0,0,5,very\n"
            ",PHQ-8,2026-11-03,0,0,0,0,0,0,0,0,1\n"
            "P01,PHQ-8,2026-11-03,1,0,0,0,0,0,0,0,3\n"
            "P01,PHQ-8,2026-11-03,1,0,0,0,0,0,0,0,2\n"
        ).encode(),
        zone=UTC,
        now=NOW,
    )
    assert [one.difficulty for one in table.rows] == [3, None, None]
    assert [str(problem) for problem in table.problems] == [
        "Row 5: difficulty is '4'; write 0, 1, 2 or 3, or leave it empty.",
        "Row 6: difficulty is 'very'; write 0, 1, 2 or 3, or leave it empty.",
        "Row 6: item8 is '5'; write 0, 1, 2 or 3.",
        "Row 7: difficulty is asked only when an item is above 0; leave it empty.",
        "Row 7: the subject must be one line of 1 to 200 characters.",
        "Row 8: it says the same as row 2.",
        "Row 9: it says the same as row 2, but for the difficulty; leave one of the two.",
    ]


def test_another_difficulty_in_a_table_is_a_correction(store: Store) -> None:
    def put_in(document: str) -> ImportResult:
        table = read_questionnaire_table(document.encode(), zone=UTC, now=NOW)
        assert table.problems == ()
        return import_questionnaires(store, table.rows, by="AB")

    heading = "subject,scale,answered_at,item1,item2,item3,item4,item5,item6,item7,item8\n"
    row = "P01,PHQ-8,2026-11-03,1,1,1,1,1,1,1,1"
    first, later = f"{heading}{row}\n", f"{heading.strip()},difficulty\n{row},2\n"
    assert put_in(first) == ImportResult(stored=1, existing=0, item9=0, corrected=0)
    assert put_in(later) == ImportResult(stored=0, existing=1, item9=0, corrected=1)
    assert put_in(later) == put_in(first) == ImportResult(stored=0, existing=1, item9=0, corrected=0)
    subject = store.subjects.find(label="P01")
    assert subject is not None
    now, before = store.questionnaires.list_by_subject(subject_id=subject.id, include_superseded=True)
    assert (now.difficulty, now.supersedes_id, before.difficulty) == (2, before.id, None)
    without = store.questionnaires.save(
        subject_id=subject.id, scale=Scale.PHQ8, items=[1] * 8, answered_at=now.answered_at, supersedes_id=now.id
    )
    assert put_in(later).corrected == 0, "what a person has taken away since does not come back"
    assert store.questionnaires.list_by_subject(subject_id=subject.id) == [without]
    assert put_in(later.replace(",2\n", ",3\n")).corrected == 1
    assert [one.difficulty for one in store.questionnaires.list_by_subject(subject_id=subject.id)] == [3]


def test_item_9_that_was_seen_is_not_told_again(store: Store) -> None:
    row = "P01,PHQ-9,2026-11-03,1,1,1,1,1,1,1,1,1"
    for difficulty, item9 in (("", 1), (",2", 0)):
        heading = questionnaire_csv.EXAMPLE.splitlines()[0].removesuffix("" if difficulty else ",difficulty")
        table = read_questionnaire_table(f"{heading}\n{row}{difficulty}\n".encode(), zone=UTC, now=NOW)
        assert import_questionnaires(store, table.rows, by="AB").item9 == item9
        assert len(store.triage.list_items()) == item9
        for item in store.triage.list_items():
            store.questionnaires.acknowledge(questionnaire_id=item.object_id, by="Dr A")


def test_imported_questionnaires_are_kept_once(store: Store, tmp_path: Path) -> None:
    document = questionnaire_csv.EXAMPLE.replace("1,1,0,0,1\n", "1,1,0,2,1\n").encode()
    answered = read_questionnaire_table(document, zone=UTC, now=NOW).rows
    done = import_questionnaires(store, answered, by="AB")
    assert done == ImportResult(stored=2, existing=0, item9=1, corrected=0)
    again = import_questionnaires(store, answered, by="AB")
    assert again == ImportResult(stored=0, existing=2, item9=0, corrected=0)
    subject = store.subjects.find(label="P01")
    assert subject is not None
    (kept,) = store.questionnaires.list_by_subject(subject_id=subject.id)
    assert (kept.total, kept.source, kept.item9_flag, kept.difficulty) == (10, "imported", True, 1)
    assert kept.answered_at - datetime(2026, 11, 3, tzinfo=UTC) == timedelta(0)
    assert store.questionnaires.authors(subject_id=subject.id) == {kept.id: "AB"}


HEADING = "subject_id,scale,answered_at,item_1,item_2,item_3,item_4,item_5,item_6,item_7,item_8,item_9,difficulty"


def read_answers(*rows: str, mark: str = ",") -> questionnaire_csv.QuestionnaireTable:
    text = "\n".join([HEADING, *rows]).replace(",", mark)
    return read_questionnaire_table(f"sep={mark}\n{text}\n".encode(), zone=UTC, now=NOW)


@pytest.mark.parametrize("scale", ["PHQ9", "phq-9", "PHQ 9", "phq_9"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_answers_are_read_however_they_are_written(scale: str, mark: str) -> None:
    table = read_answers(f"P01,{scale},2026-11-03,1.0,2.0,1,2.0,0.0,1,1,0,0.0,1.0", mark=mark)
    assert (table.problems, table.warnings) == ((), ())
    (row,) = table.rows
    assert (row.scale, row.items, row.difficulty) == (Scale.PHQ9, (1, 2, 1, 2, 0, 1, 1, 0, 0), 1)


def test_answers_that_are_none_are_told_as_before() -> None:
    (problem,) = read_answers("P01,PHQ9,2026-11-03,1.5,2,1,2,0,1,1,0,0,").problems
    assert str(problem) == "Row 2: item_1 is '1.5'; write 0, 1, 2 or 3."


def test_answers_that_count_from_1_are_a_problem_or_a_warning() -> None:
    with_4 = read_answers("P01,PHQ-9,2026-11-03,2,3,2,4,1,2,2,1,1,", "P02,PHQ-8,2026-11-03,1,1,1,1,1,1,1,1,,")
    assert "its answers are 1 to 4 and never 0" in str(with_4.problems[0])
    without_4 = read_answers("P01,PHQ-9,2026-11-03,2,3,2,3,1,2,2,1,1,", "P02,PHQ-8,2026-11-03,1,1,1,1,1,1,1,1,,")
    assert without_4.problems == ()
    (warning,) = map(str, without_4.warnings)
    assert warning.startswith("No answer of this table is 0.")
    assert read_answers("P01,PHQ-9,2026-11-03,2,3,2,3,1,2,2,1,0,").warnings == ()


def test_one_subject_in_two_spellings_is_one(store: Store) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Jos\u00e9") for form in ("NFC", "NFD"))
    answers = "PHQ-9,2026-11-0{day},0,3,2,3,1,2,2,1,0,"
    rows = [f"{name},{answers.format(day=day)}" for day, name in enumerate((composed, decomposed), 1)]
    table = read_answers(*rows)
    assert {row.subject for row in table.rows} == {composed}
    import_questionnaires(store, table.rows, by="AB")
    (subject,) = store.subjects.list_all()
    assert subject.questionnaires == 2
    repeated = read_answers(*(f"{name},{answers.format(day=1)}" for name in (composed, decomposed)))
    assert "it says the same as row 2" in str(repeated.problems[0])
