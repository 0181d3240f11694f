"""What may be wrong with a manifest, and the report that lists it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import reduce
from pathlib import Path

from fer_phq.core.csv_input import Problem, Row
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message, Template
from training.phq.data import messages
from training.phq.messages import MORE_LINES, join_lines

MOST_LISTED = 20
"""Problems of each kind that a report writes out; the others are counted."""


class ProblemKind(Enum):
    """The kind of a problem: the heading under which a report lists it."""

    WHOLE = messages.ABOUT_WHOLE
    COLUMN = messages.ABOUT_COLUMNS
    ROW = messages.ABOUT_ROWS
    EMPTY = messages.ABOUT_EMPTY
    SCALE = messages.ABOUT_SCALES
    SCORE = messages.ABOUT_SCORES
    CELL = messages.ABOUT_CELLS
    FILE = messages.ABOUT_FILES
    SUBJECTS = messages.ABOUT_SUBJECTS
    DUPLICATE = messages.ABOUT_DUPLICATES
    FEATURES = messages.ABOUT_FEATURES

    @property
    def template(self) -> Template:
        """The heading, which counts."""
        return self.value


@dataclass(frozen=True)
class ManifestProblem(Problem):
    """One thing that is wrong with a manifest.

    Attributes:
        row: As a spreadsheet counts rows, the header is 1; None where it concerns the whole manifest.
        column: The column as the manifest names it, or ''.
        message: What is wrong, the end of a sentence.
        kind: Under which heading a report lists it.
    """

    kind: ProblemKind

    @property
    def message_with_place(self) -> Message:
        """The row, the column and what is wrong there."""
        if self.row is None:
            return messages.COLUMN(column=self.column, problem=self.message) if self.column else self.message
        if self.column:
            return messages.ROW_AND_COLUMN(row=self.row, column=self.column, problem=self.message)
        return messages.ROW(row=self.row, problem=self.message)


class ManifestError(FerPhqError):
    """A manifest cannot be used. Its message is the whole report, whose first line is the summary.

    Attributes:
        problems: Everything that is wrong.
    """

    def __init__(self, report: Message, problems: Sequence[ManifestProblem]) -> None:
        """Keep the report and the problems that it lists."""
        super().__init__(report)
        self.problems = tuple(problems)


def row_problem(row: Row, kind: ProblemKind, column: str, message: Message) -> ManifestProblem:
    """Make the problem of a row in a column.

    Args:
        row: The row.
        kind: What kind of problem it is.
        column: The column, as the table's format names it.
        message: What is wrong.
    """
    return ManifestProblem(row.number, row.label(column), message, kind)


def whole_problem(message: Message, kind: ProblemKind = ProblemKind.WHOLE, column: str = "") -> ManifestProblem:
    """Make a problem of the whole manifest.

    Args:
        message: What is wrong.
        kind: What kind of problem it is.
        column: The column that it concerns, or ''.
    """
    return ManifestProblem(None, column, message, kind)


def unusable(path: Path, reason: Message) -> ManifestError:
    """Make the error, of one sentence, of a file whose rows cannot be read at all.

    Args:
        path: The file.
        reason: Why they cannot be read.
    """
    return ManifestError(messages.UNUSABLE(path=str(path), reason=reason), [whole_problem(reason)])


def list_problems(problems: Iterable[ManifestProblem]) -> list[Message]:
    """List problems by kind: each message is a heading with a count, and a line for each of the first 20 problems."""
    by_kind: dict[ProblemKind, list[ManifestProblem]] = {kind: [] for kind in ProblemKind}
    for problem in problems:
        by_kind[problem.kind].append(problem)
    return [_list_kind(kind, listed) for kind, listed in by_kind.items() if listed]


def _list_kind(kind: ProblemKind, problems: Sequence[ManifestProblem]) -> Message:
    ordered = sorted(problems, key=lambda problem: problem.row or 0)
    lines = [problem.message_with_place for problem in ordered[:MOST_LISTED]]
    if len(problems) > MOST_LISTED:
        lines.append(MORE_LINES(n=len(problems) - MOST_LISTED))
    heading = kind.template(n=len(problems))
    return reduce(lambda before, line: messages.PROBLEM_LINE(before=before, line=line), lines, heading)


def report_problems(
    path: Path, problems: Sequence[ManifestProblem], rows: int, skip_bad: bool, line_breaks: bool = False
) -> ManifestError:
    """Make the error that lists everything.

    Args:
        path: The manifest.
        problems: What is wrong.
        rows: How many rows there are.
        skip_bad: Whether rows with problems were left out already.
        line_breaks: Whether cells hold line breaks, so that rows are not the file's lines.
    """
    bad = len({problem.row for problem in problems if problem.row is not None})
    count = messages.PROBLEMS(n=len(problems))
    reason = messages.PROBLEMS_IN_ROWS(problems=count, bad=bad, rows=messages.ROWS(n=rows)) if bad else count
    lines = [messages.UNUSABLE(path=str(path), reason=reason), *list_problems(problems)]
    if line_breaks:
        lines.append(messages.ROWS_ARE_RECORDS())
    of_whole = any(problem.row is None for problem in problems)
    if bad and not of_whole and bad < rows and not skip_bad:
        lines.append(messages.SKIP_BAD(rows=messages.ROWS(n=bad), rest=rows - bad))
    return ManifestError(join_lines(lines), problems)


def show_cell(cell: str) -> str:
    """Return a cell as it stands in one line of a report: printable, and cut to 60 characters."""
    line = "".join(letter if letter.isprintable() else " " for letter in cell)
    return line if len(line) <= 60 else f"{line[:57]}..."
