"""DAIC-WOZ and E-DAIC in the layouts in which they are given out, as labelled sessions with PHQ-8 scores.

Neither corpus holds video: a session is its released features of face and voice (`training.phq.data.daic_features`)
and its transcript. Of the voice the participant's turns are used; a transcript that names no speakers is not used.

Sources: Gratch et al., 2014 (LREC) and the AVEC 2017 documentation for DAIC-WOZ; Ringeval et al., 2019 (AVEC 2019,
arXiv:1907.11510) for E-DAIC.

Participants 300 to 492 are the same people in both corpora: `refuse_overlap` keeps one from testing the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import SessionFeatures
from fer_phq.core.messages import Message
from fer_phq.core.phq import Scale
from training.phq.data import messages
from training.phq.data.daic_features import (
    CLNF,
    EGEMAPS,
    OPENFACE,
    VOICE,
    NumberTable,
    check_last_line,
    load_daic_woz,
    load_e_daic,
    read_column_names,
)
from training.phq.data.daic_labels import Label, read_labels
from training.phq.data.sessions import LabelledSession, SourceKind

DAIC_WOZ = "daic-woz"
E_DAIC = "e-daic"
TITLES = {DAIC_WOZ: "DAIC-WOZ", E_DAIC: "E-DAIC"}


@dataclass(frozen=True)
class Layout:
    """How a corpus is given out.

    Attributes:
        corpus: `DAIC_WOZ` or `E_DAIC`.
        labels: Label files of each part, in the corpus' folder or in its folder `labels`; the first that is there is
            used.
        tables: Feature files; a session without all of these is left out.
        transcript: The transcript's name, with {id} for the participant.
        speaker: The subject's name in the transcript; None for a transcript that names no speakers.
        reader: Loads a session's features from its folder.
        answers: A label file with every questionnaire's answers, where the others do not hold them.
    """

    corpus: str
    labels: Mapping[str, tuple[str, ...]]
    tables: tuple[NumberTable, ...]
    transcript: str
    speaker: str | None
    reader: Callable[[Path], SessionFeatures]
    answers: str | None = None

    def session_name(self, label: Label) -> str:
        """Return the name of a participant's session, which is the subject's id as well."""
        return f"{self.corpus}:{label.participant}"


@dataclass(frozen=True)
class CorpusReading:
    """What was read of a corpus.

    Attributes:
        corpus: `DAIC_WOZ` or `E_DAIC`.
        sessions: The sessions in the order of their parts.
        left_out: Why a labelled session cannot be used, for each such session.
        warnings: What else is wrong.
    """

    corpus: str
    sessions: tuple[LabelledSession, ...]
    left_out: tuple[Message, ...] = ()
    warnings: tuple[Message, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    """A labelled session whose files are there, with the names of their columns."""

    label: Label
    session: LabelledSession
    columns: tuple[str, ...]


def read_daic(folder: Path) -> CorpusReading:
    """Read the sessions of DAIC-WOZ or E-DAIC, whichever of the two a folder holds, in their official parts.

    Of each session the files' first and last lines are read, so that what is missing, cut off or laid out otherwise is
    known before anything is computed.

    Args:
        folder: The corpus' folder.

    Raises:
        FerPhqError: The folder is neither corpus (or both), a label file is not as expected, or no session can be
            used.
    """
    layout = _find_layout(folder)
    labels, warnings = _read_all_labels(folder, layout)
    root = folder / "data" if (folder / "data").is_dir() else folder
    candidates: list[_Candidate] = []
    left_out: list[Message] = []
    for label in labels:
        try:
            candidates.append(_check_session(root / f"{label.participant}_P", label, layout))
        except FerPhqError as error:
            left_out.append(_left_out(label, layout, error.message))
    sessions = list(_of_one_space(candidates, layout, left_out))
    for candidate in candidates:
        name = candidate.session.name
        if candidate.session.transcript is None:
            file = layout.transcript.format(id=candidate.label.participant)
            warnings.append(messages.NO_TRANSCRIPT(session=name, file=file))
        if candidate.label.warning is not None:
            warnings.append(messages.SESSION_WARNING(session=name, warning=candidate.label.warning))
    if not sessions:
        reason = left_out[0] if left_out else messages.NO_LABEL_ROW()
        raise FerPhqError(messages.NO_SESSION(corpus=TITLES[layout.corpus], folder=str(folder), reason=reason))
    labelled = {f"{label.participant}_P" for label in labels}
    if extra := sorted(path.name for path in root.glob("*_P") if path.name not in labelled):
        warnings.append(messages.WITHOUT_LABEL(n=len(extra), folders=tuple(extra)))
    return CorpusReading(layout.corpus, tuple(sessions), tuple(left_out), tuple(warnings))


def refuse_overlap(subject_ids: Iterable[str]) -> None:
    """Refuse ids of both corpora among those that one model is trained and tested on.

    Args:
        subject_ids: Ids of DAIC-WOZ start with `daic-woz:`, those of E-DAIC with `e-daic:`; any others are not looked
            at.

    Raises:
        FerPhqError: Ids of both are there.
    """
    if {DAIC_WOZ, E_DAIC} <= {subject.partition(":")[0] for subject in subject_ids}:
        raise FerPhqError(messages.SAME_PEOPLE())


LAYOUTS = (
    Layout(
        DAIC_WOZ,
        {
            "train": ("train_split_Depression_AVEC2017.csv",),
            "dev": ("dev_split_Depression_AVEC2017.csv",),
            "test": ("full_test_split.csv", "test_split_Depression_AVEC2017.csv"),
        },
        (*CLNF, VOICE),
        "{id}_TRANSCRIPT.csv",
        "Participant",
        load_daic_woz,
    ),
    Layout(
        E_DAIC,
        {part: (f"{part}_split.csv",) for part in ("train", "dev", "test")},
        (OPENFACE, EGEMAPS),
        "{id}_Transcript.csv",
        None,  # its transcripts are of everyone who is heard and name no speaker
        load_e_daic,
        answers="Detailed_PHQ8_Labels.csv",
    ),
)


# Labels and folders


def _find_layout(folder: Path) -> Layout:
    """Return the layout whose label files are in a folder."""
    if not folder.is_dir():
        raise FerPhqError(messages.NO_FOLDER(folder=str(folder)))
    layouts = [layout for layout in LAYOUTS if any(_label_paths(folder, layout).values())]
    if len(layouts) == 1:
        return layouts[0]
    if layouts:
        raise FerPhqError(messages.BOTH_CORPORA(folder=str(folder)))
    first, second = (layout.labels["train"][0] for layout in LAYOUTS)
    raise FerPhqError(messages.NEITHER_CORPUS(folder=str(folder), first=first, second=second))


def _label_paths(folder: Path, layout: Layout) -> dict[str, Path | None]:
    """Return the label file of each part, None where there is none."""
    return {part: _find_file(folder, names) for part, names in layout.labels.items()}


def _find_file(folder: Path, names: Sequence[str]) -> Path | None:
    """Return the first of these files that is in a corpus' folder or in its folder `labels`."""
    for name in names:
        for path in (folder / name, folder / "labels" / name):
            if path.is_file():
                return path
    return None


def _read_all_labels(folder: Path, layout: Layout) -> tuple[list[Label], list[Message]]:
    """Read the rows of all label files, and warnings of parts without one."""
    labels: list[Label] = []
    warnings: list[Message] = []
    for part, path in _label_paths(folder, layout).items():
        scored = layout.labels[part][0]
        if path is None:
            warnings.append(messages.NO_LABEL_FILE(part=part, file=scored))
            continue
        if path.name != scored:
            warnings.append(messages.NO_SCORES(file=path.name, part=part, needed=scored))
        labels += read_labels(path, part, scored=path.name == scored)
    parts: dict[str, str] = {}
    for label in labels:
        if label.participant in parts:
            raise FerPhqError(_two_rows(label, parts[label.participant], folder))
        parts[label.participant] = label.split
    return _with_answers(folder, layout, labels), warnings


def _two_rows(label: Label, part: str, folder: Path) -> Message:
    first, second = sorted((part, label.split))
    parts: Message | str = first if first == second else messages.BOTH(first=first, second=second)
    return messages.TWO_ROWS(participant=label.participant, folder=str(folder), parts=parts)


def _with_answers(folder: Path, layout: Layout, labels: list[Label]) -> list[Label]:
    """Add the answers of a file of their own, where there is one and the totals agree."""
    path = _find_file(folder, [layout.answers]) if layout.answers else None
    if path is None:
        return labels
    rows = {row.participant: row for row in read_labels(path, "", scored=True)}
    completed = []
    for label in labels:
        row = rows.get(label.participant)
        agrees = row is not None and row.score == label.score
        completed.append(replace(label, items=row.items) if row is not None and agrees else label)
    return completed


# Sessions


def _check_session(folder: Path, label: Label, layout: Layout) -> _Candidate:
    """Return a session with the names of its columns. Raises FerPhqError that says why it cannot be used."""
    if label.score is None:
        raise FerPhqError(label.warning or messages.NO_SCORE())
    if not 0 <= label.score <= Scale.PHQ8.maximum:
        raise FerPhqError(messages.SCORE_OUTSIDE(score=label.score, maximum=Scale.PHQ8.maximum))
    if not folder.is_dir():
        archive = next((path.name for path in folder.parent.glob(f"{folder.name}.*")), None)
        if archive is None:
            raise FerPhqError(messages.NO_SESSION_FOLDER(folder=folder.name))
        raise FerPhqError(messages.NOT_UNPACKED(folder=folder.name, file=archive))
    paths = {table: table.path_in(folder) for table in layout.tables}
    missing = tuple(path.name for path in paths.values() if not path.is_file())
    if missing:
        raise FerPhqError(messages.NOT_WHOLE(folder=folder.name, files=missing, n=len(missing)))
    columns: list[str] = []
    for table, path in paths.items():
        columns += read_column_names(path, table)
        check_last_line(path, table)
    return _Candidate(label, _session(folder, label, label.score, layout), tuple(columns))


def _session(folder: Path, label: Label, score: int, layout: Layout) -> LabelledSession:
    transcript = folder / layout.transcript.format(id=label.participant)
    audio = folder / f"{label.participant}_AUDIO.wav"
    return LabelledSession(
        name=layout.session_name(label),
        subject_id=layout.session_name(label),
        scale=Scale.PHQ8,
        score=float(score),
        kind=SourceKind.CORPUS,
        path=folder,
        split=label.split,
        transcript=transcript if transcript.is_file() else None,
        audio=audio if audio.is_file() else None,
        speaker=layout.speaker,
        groups={"gender": label.gender.lower()} if label.gender else {},
        items=label.items,
        reader=layout.reader,
    )


def _of_one_space(
    candidates: Sequence[_Candidate], layout: Layout, left_out: list[Message]
) -> Iterator[LabelledSession]:
    """Choose the sessions whose columns are named as in most; the others' numbers would be another space."""
    usual = Counter(candidate.columns for candidate in candidates).most_common(1)
    for candidate in candidates:
        pairs = zip(candidate.columns, usual[0][0], strict=True)
        unlike = next(((name, usual_name) for name, usual_name in pairs if name != usual_name), None)
        if unlike is None:
            yield candidate.session
        else:
            reason = messages.OTHER_NAME(name=unlike[0], usual=unlike[1])
            left_out.append(_left_out(candidate.label, layout, reason))


def _left_out(label: Label, layout: Layout, reason: Message) -> Message:
    return messages.LEFT_OUT(session=layout.session_name(label), part=label.split, reason=reason)
