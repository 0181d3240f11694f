"""The one reader of CSV tables: what it reads, and how everything that is wrong is told at once."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from fer_phq.core import csv_input
from fer_phq.core.csv_input import (
    Column,
    CsvError,
    CsvReader,
    OtherColumns,
    Problem,
    Table,
    TableFormat,
    Wording,
    decode,
    open_text,
    parse_time,
    parse_whole,
    read_table,
)
from fer_phq.core.messages import literal, template, to_json

COLUMNS = (Column("subject_id", ("subject",), required=True), Column("score", required=True), Column("note"))
FORMAT = TableFormat(COLUMNS, max_bytes=1 << 20, max_rows=100)
TWICE = template("test.csv_twice", "{times} columns are called {column}")


def read(document: str | bytes, table: TableFormat = FORMAT) -> Table:
    return read_table(document.encode() if isinstance(document, str) else document, table)


def cells(table: Table) -> list[dict[str, str]]:
    return [dict(row.cells) for row in table.rows]


def told(document: str | bytes, table: TableFormat = FORMAT) -> list[str]:
    return [str(problem) for problem in read(document, table).problems]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_delimiters_and_line_ends(encoding: str, delimiter: str, end: str) -> None:
    lines = [f"Subject ID{delimiter}SCORE", f"Müller{delimiter}3", "", f'"a{delimiter}b"{delimiter} 4 ', ""]
    table = read(end.join(lines).encode(encoding))
    assert table.problems == ()
    assert cells(table) == [{"subject_id": "Müller", "score": "3"}, {"subject_id": f"a{delimiter}b", "score": "4"}]
    assert [row.number for row in table.rows] == [2, 4], "as a spreadsheet counts them"
    assert table.heading == ("Subject ID", "SCORE")


def test_rows_come_by_the_columns_names_and_know_what_the_heading_calls_them() -> None:
    (row,) = read("note,Subject,score\n,P1,3\n").rows
    assert (row["subject_id"], row["score"], row["note"], row["recorded_at"]) == ("P1", "3", "", "")
    assert (row.label("subject_id"), row.label("score")) == ("subject", "score")


def test_excels_first_line_names_the_delimiter() -> None:
    table = read("sep=;\r\nsubject_id;score;note\r\nP1;3;a,b,c,d\r\n")
    assert cells(table) == [{"subject_id": "P1", "score": "3", "note": "a,b,c,d"}]
    assert (table.rows[0].number, table.rows[0].line) == (2, 3), "a spreadsheet does not show that line"


def test_the_heading_decides_the_delimiter_whatever_stands_in_quotation_marks() -> None:
    table = read('subject_id;score;"a note, with, many, commas"\nP1;3;x\n', TableFormat(COLUMNS, OtherColumns.INCLUDED))
    assert [row["score"] for row in table.rows] == ["3"]


def test_line_breaks_in_cells_count_as_one_row_and_several_lines() -> None:
    table = read('subject_id,score,note\nP1,1,"a\nb"\nP2,2,c\n')
    assert [(row.number, row.line) for row in table.rows] == [(2, 2), (3, 4)]


def test_blanks_before_a_quotation_mark_do_not_make_it_text() -> None:
    assert cells(read('subject_id, "score"\n "P1, junior", "3"\n')) == [{"subject_id": "P1, junior", "score": "3"}]


def test_columns_that_are_not_declared_are_refused_ignored_or_kept() -> None:
    document = "subject_id,score,Mother Tongue,\nP1,3,Suomi,x\n"
    known = "the columns are subject_id, score, note."
    assert told(document) == [
        f"Row 1: the column 'mother_tongue' is unknown; {known}",
        f"Row 1: the column without a name is unknown; {known}",
    ]
    ignored = read(document, TableFormat(COLUMNS, OtherColumns.IGNORED))
    assert (ignored.problems, cells(ignored)) == ((), [{"subject_id": "P1", "score": "3"}])
    kept = read(document, TableFormat(COLUMNS, OtherColumns.INCLUDED))
    assert (kept.problems, kept.rows[0]["mother_tongue"], kept.unnamed) == ((), "Suomi", 4)
    assert read("subject_id,score,,\nP1,3,,\n", TableFormat(COLUMNS, OtherColumns.INCLUDED)).unnamed is None


@pytest.mark.parametrize(
    ("document", "problems"),
    [
        ("", ["The table is empty."]),
        (" \n,,,\n\n", ["The table is empty."]),
        ("subject_id,score\n,\n", ["The table has a heading and no rows below it."]),
        (b"subject_id,score\nM\xfcller,3\n", ["Row 2: it is not UTF-8 text; save the table as 'CSV UTF-8' and"]),
        ("subject_id,score\nä,3".encode("utf-16")[:-1], ["The file is damaged UTF-16; save"]),
        ("subject_id,score\nä,3".encode("utf-16-le"), ["The file is no text"]),
        ("subject_id,score\nä,3".encode("utf-32"), ["The file is no text"]),
        (b"PK\x03\x04\x14\x00\x00\x00\x08\x00", ["The file is no text"]),
        (b"subject_id,score\nP1,3\n" + b"P2,4\n" * 3000 + b"\0", ["The file is no text"]),
        ('subject_id,score\n"P1,3\n', ["Row 2: a quotation mark is not closed, or its cell goes on after it."]),
        ('subject_id,score\nP0,1\n"P1"x,3\n', ["Row 3: a quotation mark is not closed"]),
        ("subject_id,score\n" + "x" * 200_000 + ",3\n", ["Row 2: a cell has more than 131072 letters"]),
        ("subject_id,score\n" + "P1,3\n" * 101, ["The table has 101 rows; split it into tables of at most 100."]),
        (b"subject_id,score\n" + b"x" * (1 << 20), ["The table is larger than 1 MiB; split it."]),
    ],
)
def test_what_cannot_be_read_is_one_sentence_and_gives_no_rows(document: str | bytes, problems: list[str]) -> None:
    table = read(document)
    assert table.rows == ()
    assert all(str(problem).startswith(said) for problem, said in zip(table.problems, problems, strict=True))
    assert table.fault is not None


@pytest.mark.parametrize(
    ("heading", "problems"),
    [
        ("subject_id,score,score", ["Row 1: the column 'score' is there 2 times; leave one."]),
        ("subject_id,score,Subject", ["Row 1: the columns subject_id, subject all stand for subject_id; leave one."]),
        ("subject,subject,score", ["Row 1: the column 'subject' is there 2 times; leave one."]),
        ("score", ["Row 1: the column 'subject_id' is missing."]),
        ("note", ["Row 1: the column 'subject_id' is missing.", "Row 1: the column 'score' is missing."]),
        ("subject_id;score,note", ["unknown", "missing"]),
    ],
)
def test_what_is_wrong_with_a_heading(heading: str, problems: list[str]) -> None:
    table = read(f"{heading}\nP1,3,4\n")
    assert len(table.heading_problems) >= len(problems)
    for said in problems:
        assert any(said in str(problem) for problem in table.heading_problems)
    assert table.sound_rows == ()


def test_rows_that_do_not_fit_the_heading() -> None:
    document = "subject_id,score,note\nP1,12,0,x\nP2,3\nP3,4,x,,\n"
    table = read(document)
    assert [str(problem) for problem in table.problems] == ["Row 2: it has 4 cells, the heading has 3."]
    assert [row["subject_id"] for row in table.rows] == ["P1", "P2", "P3"]
    assert [row["subject_id"] for row in table.sound_rows] == ["P2", "P3"]
    whole = read(document, TableFormat(COLUMNS, short_rows=False))
    assert [problem.row for problem in whole.row_problems] == [2, 3]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert told("score,score\n1,2,3\n") == [
        "Row 1: the column 'score' is there 2 times; leave one.",
        "Row 1: the column 'subject_id' is missing.",
        "Row 2: it has 3 cells, the heading has 2.",
    ]


def test_a_table_may_have_words_of_its_own_for_the_same_facts() -> None:
    table = TableFormat(COLUMNS, wording=Wording(repeated_column=TWICE, no_rows=None))
    (problem,) = read("subject_id,score,score\n", table).problems
    assert str(problem.message) == "2 columns are called score"
    assert read("subject_id,score\n", table).problems == ()


def test_a_problem_is_a_fact_with_its_place() -> None:
    problem = Problem(3, "score", literal("it is empty"))
    assert str(problem) == "Row 3: it is empty"
    assert problem.message_with_place.code == "csv.row"
    assert to_json(problem.message_with_place) == {
        "code": "csv.row",
        "params": {"row": 3, "problem": "it is empty"},
        "text": "Row 3: it is empty",
    }
    assert str(Problem(None, "score", literal("it is empty"))) == "it is empty"


def test_tabs_without_quoting_keep_stray_quotation_marks() -> None:
    table = TableFormat(COLUMNS, quoted_tabs=False)
    document = 'subject_id\tscore\n"so he said\t1\n"all ""fine"""\t2\n'
    assert [row["subject_id"] for row in read(document, table).rows] == ['"so he said', 'all "fine"']


def test_a_file_is_streamed_row_by_row() -> None:
    class Endless(io.RawIOBase):
        """A table whose rows never end, of which it counts the bytes that were read."""

        taken = 0
        position = 0

        def readable(self) -> bool:
            return True

        def seekable(self) -> bool:
            return True

        def seek(self, offset: int, whence: int = 0) -> int:
            self.position = offset
            return offset

        def tell(self) -> int:
            return self.position

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            line = b"subject_id,score\n" + b"P1,3\n" * 1000
            part = line[self.position :][: len(buffer)] if self.position < len(line) else b"P1,3\n"
            buffer[: len(part)] = part
            self.position += len(part)
            self.taken += len(part)
            return len(part)

    file = Endless()
    reader = CsvReader(open_text(io.BufferedReader(file)), FORMAT)
    rows = iter(reader)
    assert [next(rows)["score"] for _ in range(500)] == ["3"] * 500
    assert file.taken < 1 << 17
    assert reader.fault is None


def test_a_fault_in_the_middle_ends_a_stream() -> None:
    reader = CsvReader(open_text(io.BytesIO(b"subject_id,score\n" + b"P1,3\n" * 5000 + b"M\xfc,3\n")), FORMAT)
    assert 4000 < len(list(reader)) <= 5000
    assert reader.fault is not None
    assert reader.fault.row == 5002


def test_a_document_of_any_kind_is_decoded_or_refused() -> None:
    assert decode("\ufeffä\r\nb".encode()) == "ä\r\nb"
    assert decode("ä\rb".encode("utf-16")) == "ä\rb"
    with pytest.raises(CsvError) as error:
        decode(b"a\nb\n\xfc")
    assert error.value.problem.row == 3


@pytest.mark.parametrize(
    ("cell", "number"),
    [("12", 12), ("+7", 7), ("-1", -1), ("12.0", 12), ("12.000", 12), ("007", 7)]
    + [(cell, None) for cell in ("12,0", "1e1", "4.5", "", "٣", "1 2", "12.", "nan", "9" * 20)],
)
def test_whole_numbers(cell: str, number: int | None) -> None:
    assert parse_whole(cell) == number


def test_times() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert parse_time("2026-11-03 14:05", berlin) == datetime(2026, 11, 3, 13, 5, tzinfo=UTC)
    assert parse_time("2026-11-03T14:05+00:00", berlin) == datetime(2026, 11, 3, 14, 5, tzinfo=UTC)
    assert parse_time(" 2026-11-03 ", UTC) == datetime(2026, 11, 3, tzinfo=UTC)
    for cell in ("", "03.11.2026", "03/11/2026", "11/03/2026", "03112026", "11032026", "45964", "45964.587", "soon"):
        assert parse_time(cell, UTC) is None, cell


def test_blank_lines_count_but_are_not_divided_into_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight megabytes of them took 40 s."""
    divided = []
    monkeypatch.setattr(csv_input, "_composed", lambda cell: divided.append(cell) or cell)
    table = read(" \n\t\n" * 1000 + "subject_id,score\n" + "\n" * 2000 + "P1,3\n")
    assert [(row.number, row.line, row["score"]) for row in table.rows] == [(4002, 4002, "3")]
    assert set(divided) == {"subject_id", "score", "P1", "3", "subject_id,score"}
    assert read("\n \t\n" * 1000).fault is not None
