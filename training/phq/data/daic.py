"""DAIC-WOZ and E-DAIC in the layouts in which they are given out, as labelled sessions with PHQ-8 scores.

Neither corpus holds video: a session is its released features of face and voice, with the transcript beside them.
Sources: Gratch et al., 2014 (LREC) and the AVEC 2017 documentation for DAIC-WOZ; Ringeval et al., 2019 (AVEC 2019,
arXiv:1907.11510) for E-DAIC.

    DAIC-WOZ   <id>_P/<id>_CLNF_{AUs,gaze,pose}.txt (30 frames/s), <id>_COVAREP.csv (74 columns, a row each 10 ms)
    E-DAIC     <id>_P/features/<id>_OpenFace2.1.0_Pose_gaze_AUs.csv, <id>_OpenSMILE2.3.0_egemaps.csv

What is done to them. Frames in which the tracker failed or was unsure are left out. What a silent or unvoiced moment
does not have (its pitch) is NaN, not the zero in the files. Rows are brought to at most ten a second by the mean of
what was measured, so that a session takes a few MB: expressions and prosody are slower than that.

Participants 300 to 492 are the same people in both corpora: `refuse_overlap` keeps one from testing the other.
"""

from __future__ import annotations

import csv
import functools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.phq import Scale
from training.phq.data.sessions import LabelledSession, SourceKind, items_fit

DAIC_WOZ = "daic-woz"
E_DAIC = "e-daic"
TITLES = {DAIC_WOZ: "DAIC-WOZ", E_DAIC: "E-DAIC"}

ROWS_PER_SECOND = 10
MIN_CONFIDENCE = 0.5
"""Tracker's confidence below which a frame is left out although the tracker calls it a success (our choice)."""
COVAREP_STEP_S = 0.01
ITEMS = ("NoInterest", "Depressed", "Sleep", "Tired", "Appetite", "Failure", "Concentrating", "Moving")
"""The eight answers, as the label files' columns name them after `PHQ8_`."""
PHQ8_CUT = 10
"""Totals from here on are the corpora's positive class."""

FRAME = ("frame", "timestamp", "confidence", "success")
VOICED = 1
"""COVAREP's column VUV: 1 where the vocal folds vibrate."""
VOICED_ONLY = (0, 2, 3, 4, 5, 6, 7, 8)
"""F0, NAQ, QOQ, H1H2, PSP, MDQ, peakSlope, Rd: not to be used where VUV is 0 (AVEC 2017 documentation, section 4)."""
COVAREP = (
    *("F0", "VUV", "NAQ", "QOQ", "H1H2", "PSP", "MDQ", "peakSlope", "Rd", "Rd_conf", "creak"),
    *(f"MCEP_{i}" for i in range(25)),
    *(f"HMPDM_{i}" for i in range(25)),
    *(f"HMPDD_{i}" for i in range(13)),
)
NOT_NUMBERS = [
    blank + word for word in ("", "NaN", "nan", "-nan", "-1.#IND", "1.#QNAN", "-nan(ind)", "NA") for blank in ("", " ")
]


@dataclass(frozen=True)
class Table:
    """A file of rows of numbers. name: with {id}; leading: its first columns, which are no features; width: the rest.

    header: whether the first line names the columns.
    """

    name: str
    leading: tuple[str, ...]
    width: int
    delimiter: str = ","
    header: bool = True

    def under(self, folder: Path) -> Path:
        """The file of a session's folder `<id>_P`; case is not looked at, releases differ in it."""
        wanted = folder / self.name.format(id=_participant(folder))
        if wanted.is_file() or not wanted.parent.is_dir():
            return wanted
        return next((p for p in wanted.parent.iterdir() if p.name.lower() == wanted.name.lower()), wanted)


AUS = Table("{id}_CLNF_AUs.txt", FRAME, 20)
GAZE = Table("{id}_CLNF_gaze.txt", FRAME, 12)
POSE = Table("{id}_CLNF_pose.txt", FRAME, 6)
CLNF = (AUS, GAZE, POSE)
VOICE = Table("{id}_COVAREP.csv", (), len(COVAREP), header=False)
OPENFACE = Table("features/{id}_OpenFace2.1.0_Pose_gaze_AUs.csv", FRAME, 49)
EGEMAPS = Table("features/{id}_OpenSMILE2.3.0_egemaps.csv", ("name", "frametime"), 23, ";")


@dataclass(frozen=True)
class Layout:
    """How a corpus is given out.

    labels: files of each part, beside the sessions or in `labels/`; the first that is there is used. answers: a file
    there with every questionnaire's answers, where the others do not hold them. tables: a session without all of these
    is left out. speaker: see `LabelledSession`.
    """

    corpus: str
    labels: Mapping[str, tuple[str, ...]]
    tables: tuple[Table, ...]
    transcript: str
    speaker: str | None
    reader: Callable[[Path], SessionFeatures]
    answers: str | None = None


@dataclass(frozen=True)
class CorpusReading:
    """A corpus' sessions in the order of their parts.

    left_out: a sentence for each labelled session that cannot be used. warnings: sentences on what else is odd.
    """

    corpus: str
    sessions: tuple[LabelledSession, ...]
    left_out: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Label:
    """A row of a label file. score: None where it is missing; items: the answers, where the file gives all of them and
    they sum to the score; odd: what is wrong with the row, if anything.
    """

    participant: str
    split: str
    score: int | None
    gender: str
    items: tuple[int, ...] = ()
    odd: str = ""


def read_daic(folder: Path) -> CorpusReading:
    """The sessions of DAIC-WOZ or E-DAIC under a folder, in their official parts; whichever of the two it is.

    Of each session the files' first and last lines are read, so that what is missing, cut off or laid out otherwise is
    known before anything is computed. Raises FerPhqError when the folder is neither corpus (or both), a label file is
    not as expected, or no session can be used.
    """
    layout = _recognise(folder)
    labels, warnings = _labels(folder, layout)
    root = folder / "data" if (folder / "data").is_dir() else folder
    found: list[tuple[Label, LabelledSession, tuple[str, ...]]] = []
    left_out: list[str] = []
    for label in labels:
        try:
            found.append((label, *_session(root / f"{label.participant}_P", label, layout)))
        except FerPhqError as error:
            left_out.append(f"{_called(label, layout)}: {error}")
    sessions = list(_of_one_space(found, layout, left_out))
    for label, session, _ in found:
        if session.transcript is None:
            warnings.append(f"{session.name} has no transcript {layout.transcript.format(id=label.participant)}.")
        if label.odd:
            warnings.append(f"{session.name}: {label.odd}")
    if not sessions:
        said = left_out[0] if left_out else "its label files hold no row"
        raise FerPhqError(f"No session of {TITLES[layout.corpus]} under {folder} can be used. {said}")
    known = {f"{label.participant}_P" for label in labels}
    if extra := sorted(p.name for p in root.glob("*_P") if p.name not in known):
        warnings.append(f"{len(extra)} folders have no label and are not used: {', '.join(extra)}.")
    return CorpusReading(layout.corpus, tuple(sessions), tuple(left_out), tuple(warnings))


def refuse_overlap(subject_ids: Iterable[str]) -> None:
    """Raise FerPhqError when ids of both corpora are among those that one model is trained and tested on.

    Ids of DAIC-WOZ start with `daic-woz:`, those of E-DAIC with `e-daic:`; any others are not looked at.
    """
    if {DAIC_WOZ, E_DAIC} <= {subject.partition(":")[0] for subject in subject_ids}:
        raise FerPhqError(
            "DAIC-WOZ and E-DAIC hold the same people (participants 300 to 492): one cannot be the other's test, "
            "nor can they be trained on together; use one of them."
        )


def load_daic_woz(folder: Path) -> SessionFeatures:
    """Features of a session's folder `<id>_P` of DAIC-WOZ. Raises FerPhqError for files that are not as expected.

    face: 20 action units, 12 numbers of gaze, 6 of head pose (kind daic-clnf-1). voice: 74 of COVAREP, the eight that
    need a voice NaN where there is none, and all of them NaN where an utterance was scrubbed (kind daic-covarep-1);
    VUV becomes the voiced share of each tenth of a second.
    """
    return _features(folder, _clnf(folder), _covarep(VOICE.under(folder)))


def load_e_daic(folder: Path) -> SessionFeatures:
    """Features of a session's folder `<id>_P` of E-DAIC. Raises FerPhqError for files that are not as expected.

    face: the 49 columns of OpenFace 2.1 (kind edaic-openface-1). voice: the 23 low-level descriptors of eGeMAPS, those
    of the voiced (`..._sma3nz`) NaN where the pitch is 0 (kind edaic-egemaps-1).
    """
    path = OPENFACE.under(folder)
    leading, values = _read(path, OPENFACE)
    seen = _tracked(leading)
    face = _channel(path, leading[seen, 1], values[seen], "edaic-openface-1", _columns(path, OPENFACE))
    path = EGEMAPS.under(folder)
    leading, values = _read(path, EGEMAPS)
    names = _columns(path, EGEMAPS)
    pitch = next((i for i, name in enumerate(names) if name.startswith("F0")), None)
    if pitch is None:
        raise FerPhqError(f"{path} has no column of the pitch (F0semitoneFrom27.5Hz_sma3nz is expected).")
    voiced_only = [i for i, name in enumerate(names) if name.endswith("_sma3nz")]
    values[np.ix_(values[:, pitch] == 0, voiced_only)] = np.nan
    return _features(folder, face, _channel(path, leading[:, 1], values, "edaic-egemaps-1", names))


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
        None,  # its transcripts are of the participant alone and name no speaker
        load_e_daic,
        answers="Detailed_PHQ8_Labels.csv",
    ),
)


# Labels and folders


def _recognise(folder: Path) -> Layout:
    """The layout whose label files lie here."""
    if not folder.is_dir():
        raise FerPhqError(f"There is no folder {folder}: DAIC-WOZ or E-DAIC is expected there.")
    found = [layout for layout in LAYOUTS if any(_label_files(folder, layout).values())]
    if len(found) == 1:
        return found[0]
    names = " nor ".join(layout.labels["train"][0] for layout in LAYOUTS)
    if not found:
        raise FerPhqError(f"{folder} is neither DAIC-WOZ nor E-DAIC: it holds no {names}, nor does its folder labels.")
    raise FerPhqError(f"{folder} holds the label files of both DAIC-WOZ and E-DAIC: give each its own folder.")


def _label_files(folder: Path, layout: Layout) -> dict[str, Path | None]:
    """Of each part the label file that is there."""
    places = (folder, folder / "labels")
    return {
        part: next((path for name in names for place in places if (path := place / name).is_file()), None)
        for part, names in layout.labels.items()
    }


def _labels(folder: Path, layout: Layout) -> tuple[list[Label], list[str]]:
    """The rows of all label files, and warnings of parts without one."""
    labels: list[Label] = []
    warnings = []
    for part, path in _label_files(folder, layout).items():
        if path is None:
            warnings.append(f"The part {part} has no label file {layout.labels[part][0]}: it is not used.")
            continue
        if path.name != layout.labels[part][0]:
            warnings.append(f"{path.name} holds no scores: the part {part} needs {layout.labels[part][0]}.")
        labels += _label_rows(path, part, scored=path.name == layout.labels[part][0])
    seen: dict[str, str] = {}
    for label in labels:
        if label.participant in seen:
            where = " and ".join(sorted({seen[label.participant], label.split}))
            raise FerPhqError(f"Participant {label.participant} has two rows in the label files of {folder}: {where}.")
        seen[label.participant] = label.split
    return _with_answers(folder, layout, labels), warnings


def _with_answers(folder: Path, layout: Layout, labels: list[Label]) -> list[Label]:
    """The labels with the answers that stand in a file of their own, where there is one and the totals agree."""
    path = next(
        (p for place in (folder, folder / "labels") if layout.answers and (p := place / layout.answers).is_file()), None
    )
    if path is None:
        return labels
    known = {row.participant: row for row in _label_rows(path, "", scored=True)}
    return [
        replace(label, items=known[label.participant].items)
        if label.participant in known and known[label.participant].score == label.score
        else label
        for label in labels
    ]


def _label_rows(path: Path, part: str, scored: bool) -> Iterator[Label]:
    """A label file's rows. Column names differ between files: PHQ8_Score or PHQ_Score, participant_ID in any case."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = list(csv.reader(file)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FerPhqError(f"The label file {path} cannot be read: {error}.") from None
    names = [name.strip().lower() for name in header]

    def column(*wanted: str) -> int | None:
        return next((names.index(name.lower()) for name in wanted if name.lower() in names), None)

    at = column("Participant_ID")
    score = column("PHQ8_Score", "PHQ_Score", "PHQ_8Total")
    binary = column("PHQ8_Binary", "PHQ_Binary")
    gender = column("Gender")
    answers = [column(f"PHQ8_{item}", f"PHQ_8{item}") for item in ITEMS]
    if at is None:
        raise FerPhqError(f"{path} has no column Participant_ID; its columns are {', '.join(header)}.")
    if scored and score is None:
        raise FerPhqError(f"{path} has no column PHQ8_Score or PHQ_Score; its columns are {', '.join(header)}.")

    def cell(row: list[str], index: int | None) -> str:
        return row[index].strip() if index is not None and index < len(row) else ""

    for row in rows:
        if not cell(row, at):
            continue
        participant = _whole(cell(row, at))
        if participant is None:
            raise FerPhqError(
                f"{path} names a participant {cell(row, at)!r} in column {header[at]}: a number is expected."
            )
        total = _whole(cell(row, score))
        odd = ""
        if total is not None and cell(row, binary) and _whole(cell(row, binary)) != int(total >= PHQ8_CUT):
            odd = f"{path.name} gives the score {total} and the class {cell(row, binary)}; the score is used."
        items = _answers([_whole(cell(row, answer)) for answer in answers], total)
        yield Label(str(participant), part, total, cell(row, gender), items, odd)


def _answers(items: Sequence[int | None], total: int | None) -> tuple[int, ...]:
    """The answers, or nothing where one is missing or they are not those of the total."""
    known = [item for item in items if item is not None]
    return tuple(known) if total is not None and items_fit(known, Scale.PHQ8, total) else ()


def _whole(cell: str) -> int | None:
    """300 or 300.0 to the integer; None for anything else."""
    return int(float(cell)) if re.fullmatch(r"-?[0-9]{1,9}(\.0+)?", cell) else None


def _session(folder: Path, label: Label, layout: Layout) -> tuple[LabelledSession, tuple[str, ...]]:
    """A session with the names of its columns. Raises FerPhqError that says why it cannot be used."""
    if label.score is None:
        raise FerPhqError("it has no PHQ-8 score.")
    if not 0 <= label.score <= Scale.PHQ8.maximum:
        raise FerPhqError(f"its score {label.score} is outside PHQ-8's 0 to {Scale.PHQ8.maximum}.")
    if not folder.is_dir():
        packed = next((path.name for path in folder.parent.glob(f"{folder.name}.*")), None)
        raise FerPhqError(f"there is no folder {folder.name}" + (f", {packed} is not unpacked." if packed else "."))
    missing = [table.under(folder).name for table in layout.tables if not table.under(folder).is_file()]
    if missing:
        raise FerPhqError(
            f"{folder.name} is not whole: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing."
        )
    columns: list[str] = []
    for table in layout.tables:
        columns += _columns(table.under(folder), table)
        _check_end(table.under(folder), table)
    transcript = folder / layout.transcript.format(id=label.participant)
    audio = folder / f"{label.participant}_AUDIO.wav"
    session = LabelledSession(
        name=f"{layout.corpus}:{label.participant}",
        subject_id=f"{layout.corpus}:{label.participant}",
        scale=Scale.PHQ8,
        score=float(label.score),
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
    return session, tuple(columns)


def _of_one_space(
    found: list[tuple[Label, LabelledSession, tuple[str, ...]]], layout: Layout, left_out: list[str]
) -> Iterator[LabelledSession]:
    """Sessions whose columns are named as in most; the others' numbers would be another space, they are left out."""
    usual = Counter(columns for _, _, columns in found).most_common(1)
    for label, session, columns in found:
        odd = next(((name, wanted) for name, wanted in zip(columns, usual[0][0], strict=True) if name != wanted), None)
        if odd is None:
            yield session
        else:
            left_out.append(f"{_called(label, layout)}: a column is named {odd[0]}, in most sessions it is {odd[1]}.")


def _called(label: Label, layout: Layout) -> str:
    return f"{layout.corpus}:{label.participant} ({label.split})"


def _participant(folder: Path) -> str:
    return folder.name.removesuffix("_P")


# Tables


def _columns(path: Path, table: Table) -> tuple[str, ...]:
    """Names of the columns that are kept. Raises FerPhqError where the first line is not as expected."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            line = file.readline().rstrip("\r\n")
    except OSError as error:
        raise FerPhqError(f"{path} cannot be read: {error.strerror}.") from None
    cells = [cell.strip().strip("'\"") for cell in line.split(table.delimiter)]
    leading = len(table.leading)
    if len(cells) != leading + table.width:
        raise FerPhqError(f"{path} has {len(cells)} columns, {leading + table.width} are expected.")
    if not table.header:
        if _number(cells[0]) is None:
            raise FerPhqError(f"{path} starts with {cells[0]!r} in column 1: numbers without a header are expected.")
        return COVAREP
    for i, (expected, cell) in enumerate(zip(table.leading, cells, strict=False), 1):
        if expected not in cell.lower():  # documented also as frame_number, timestamp(seconds), detection_success
            raise FerPhqError(f"{path} names column {i} {cell!r}, {expected} is expected.")
    if numeric := next((cell for cell in cells if _number(cell) is not None), None):
        raise FerPhqError(f"{path} holds {numeric!r} in its first line: names of columns are expected.")
    return tuple(cells[leading:])


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _check_end(path: Path, table: Table) -> None:
    """Raise FerPhqError when a file's last line is cut off, as in an archive that was not copied whole."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - (64 << 10)))
        lines = file.read().rstrip(b"\r\n").split(b"\n")
    cells = lines[-1].count(table.delimiter.encode()) + 1
    if (size <= 64 << 10 and len(lines) <= table.header) or cells != len(table.leading) + table.width:
        raise FerPhqError(
            f"{path} is cut off: its last line has {cells} columns of {len(table.leading) + table.width}."
        )


def _read(path: Path, table: Table) -> tuple[TimeArray, FloatArray]:
    """The leading columns (rows, k), those without numbers NaN, and the features (rows, width), infinite ones NaN."""
    _columns(path, table)
    names = [f"f{i}" for i in range(len(table.leading) + table.width)]
    leading = [name for name, column in zip(names, table.leading, strict=False) if column != "name"]
    values = names[len(table.leading) :]
    try:
        read = pa.csv.read_csv(
            path,
            read_options=pa.csv.ReadOptions(
                autogenerate_column_names=True, skip_rows=int(table.header), use_threads=False
            ),
            parse_options=pa.csv.ParseOptions(delimiter=table.delimiter),
            convert_options=pa.csv.ConvertOptions(
                column_types={**dict.fromkeys(leading, pa.float64()), **dict.fromkeys(values, pa.float32())},
                include_columns=leading + values,
                null_values=NOT_NUMBERS,
            ),
        )
    except (OSError, pa.ArrowException) as error:
        raise FerPhqError(f"{path} cannot be read: {str(error).splitlines()[0].removesuffix('.')}.") from None
    if not read.num_rows:
        raise FerPhqError(f"{path} holds no rows.")
    out = np.full((read.num_rows, len(table.leading)), np.nan)
    for i, name in enumerate(names[: len(table.leading)]):
        if name in leading:
            out[:, i] = read[name].to_numpy()
    kept = np.empty((read.num_rows, table.width), np.float32)
    for i, name in enumerate(values):
        kept[:, i] = read[name].to_numpy()
    kept[np.isinf(kept)] = np.nan
    return out, kept


def _clnf(folder: Path) -> FeatureSeries | None:
    """Action units, gaze and pose side by side, of the frames that all three files hold."""
    tables = [(table.under(folder), *_read(table.under(folder), table)) for table in CLNF]
    for path, leading, _ in tables:
        if not (np.diff(leading[:, 0]) > 0).all():
            raise FerPhqError(f"{path}: its frame numbers do not run forward.")
    frames = functools.reduce(np.intersect1d, [leading[:, 0] for _, leading, _ in tables])
    if not len(frames):
        raise FerPhqError(f"{tables[0][0]}, its gaze and its pose have no frame in common.")
    rows = [np.searchsorted(leading[:, 0], frames) for _, leading, _ in tables]
    first = [leading[at] for (_, leading, _), at in zip(tables, rows, strict=True)]
    values = np.concatenate([of[at] for (_, _, of), at in zip(tables, rows, strict=True)], axis=1)
    seen = np.all([_tracked(leading) for leading in first], axis=0)
    columns = zip(("", "gaze_", "pose_"), CLNF, strict=True)
    names = tuple(part + name for part, table in columns for name in _columns(table.under(folder), table))
    return _channel(tables[0][0], first[0][seen, 1], values[seen], "daic-clnf-1", names)


def _covarep(path: Path) -> FeatureSeries | None:
    _, values = _read(path, VOICE)
    unvoiced = values[:, VOICED] == 0
    scrubbed = (values == 0).all(axis=1)
    values[np.ix_(unvoiced, VOICED_ONLY)] = np.nan
    values[scrubbed] = np.nan
    return _channel(path, np.arange(len(values), dtype=np.float64) * COVAREP_STEP_S, values, "daic-covarep-1", COVAREP)


def _tracked(leading: TimeArray) -> npt.NDArray[np.bool_]:
    """Frames (frame, timestamp, confidence, success) in which the face was found with enough confidence."""
    return cast(npt.NDArray[np.bool_], (leading[:, 3] == 1) & (leading[:, 2] >= MIN_CONFIDENCE))


def _channel(
    path: Path, time_s: TimeArray, values: FloatArray, kind: str, names: tuple[str, ...]
) -> FeatureSeries | None:
    """Rows at most ten a second; None without any. Raises FerPhqError when the times do not run forward."""
    if not len(values):
        return None
    if not np.isfinite(time_s).all() or (np.diff(time_s) < 0).any():
        raise FerPhqError(f"{path}: its timestamps do not run forward.")
    time_s, values = reduce_rows(time_s, values)
    return FeatureSeries(values, time_s, kind, names)


def reduce_rows(time_s: TimeArray, values: FloatArray, rate: float = ROWS_PER_SECOND) -> tuple[TimeArray, FloatArray]:
    """At most `rate` rows a second: the mean time (rows,) and the mean of what is not NaN, (rows, width).

    A stretch of 1 / rate seconds without rows gives none; a column that is NaN all through a stretch stays NaN.
    """
    stretch = np.floor(time_s * rate + 1e-6)  # a timestamp printed as 0.1 belongs to the second tenth
    starts = np.flatnonzero(np.r_[True, np.diff(stretch) > 0])
    measured = ~np.isnan(values)
    counts = np.add.reduceat(measured, starts, axis=0, dtype=np.float32)
    sums = np.add.reduceat(np.where(measured, values, np.float32(0)), starts, axis=0)
    with np.errstate(invalid="ignore"):
        means = (sums / counts).astype(np.float32)
    return np.add.reduceat(time_s, starts) / np.diff(np.r_[starts, len(time_s)]), means


def _features(folder: Path, face: FeatureSeries | None, voice: FeatureSeries | None) -> SessionFeatures:
    if face is None and voice is None:
        raise FerPhqError(f"{folder} has no frame with a face and no sound.")
    return SessionFeatures(face=face, voice=voice)
