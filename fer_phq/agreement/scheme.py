"""Coders' files on one scheme: which codes they have, what each is, and what of them can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fer_phq.agreement import messages
from fer_phq.annotations.readers import AnnotationFile
from fer_phq.annotations.readers.files import END_TOLERANCE_S, is_same_length
from fer_phq.annotations.tiers import Annotation, Tier
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message

OTHER_UNITS = 100.0
"""Last annotations that differ by this factor count in different units, or are of two recordings."""


class AgreementError(FerPhqError):
    """Files cannot be compared."""


class Labels(StrEnum):
    """What the labels of ELAN's and Praat's tiers are."""

    AUTO = "auto"
    """Codes where the labels of a tier differ; otherwise the tier is the code."""
    CODES = "labels"
    REMARKS = "tiers"
    """Remarks: each tier is a code."""


class Kind(StrEnum):
    """What a code is."""

    STATE = "state"
    """It lasts."""
    POINT = "point"


@dataclass(frozen=True)
class Code:
    """Something that coders note.

    Attributes:
        name: As the first coder writes it.
        group: The tier or the category to which it belongs, or "".
        kind: Whether it lasts.
    """

    name: str
    group: str
    kind: Kind


@dataclass(frozen=True)
class Coder:
    """What a coder noted.

    Attributes:
        name: Who it is.
        spans: (start, end) in seconds of each code's annotations, by the code's name, in order; a point's are the same.
    """

    name: str
    spans: Mapping[str, tuple[tuple[float, float], ...]]


@dataclass(frozen=True)
class Scheme:
    """What is compared.

    Attributes:
        codes: By group and name.
        coders: In the order of the files.
        duration_s: Length of the recording in seconds.
        gaps: (start, end) in seconds where somebody could code nothing.
        warnings: What was assumed.
    """

    codes: tuple[Code, ...]
    coders: tuple[Coder, ...]
    duration_s: float
    gaps: tuple[tuple[float, float], ...]
    warnings: tuple[Message, ...]


@dataclass(frozen=True)
class _Entry:
    """The annotations of a code in a file; its key is its name however it is written."""

    name: str
    group: str
    annotations: tuple[Annotation, ...]


Entries = Mapping[str, _Entry]


def join_files(
    files: Mapping[str, AnnotationFile],
    *,
    labels: Labels = Labels.AUTO,
    renames: Mapping[str, str] | None = None,
    only: Sequence[str] = (),
    duration_s: float | None = None,
) -> Scheme:
    """Bring the files of several coders to one scheme.

    Codes are the same where their names are, whatever their case. A code that a file cannot have, because it lists its
    codes and this is none, is left out; a code that it could have and has not counts as never noted.

    Args:
        files: By the coders' names.
        labels: What the labels of ELAN's and Praat's tiers are.
        renames: New names of codes, by old ones.
        only: The codes that are compared; all when empty.
        duration_s: Length of the recording in seconds; where it is missing, the files' own.

    Raises:
        AgreementError: There is one file alone, they are of two recordings, or have no code in common.
    """
    if len(files) < 2:
        raise AgreementError(messages.TWO_CODERS())
    length_s, warnings = _length(files, duration_s)
    coded_by_label, assumed = _tiers_of_labels(files, labels)
    warnings += assumed
    shared = _shared_labels(files.values(), coded_by_label)
    entries = {name: _entries(file, coded_by_label, shared) for name, file in files.items()}
    entries = _renamed(entries, renames or {}, only)
    keys, left_out = _common_keys(entries, files)
    warnings += left_out
    codes = []
    for key in keys:
        code, mixed = _code([coder[key] for coder in entries.values() if key in coder])
        codes.append((key, code))
        warnings += [messages.MIXED_KIND(code=code.name)] if mixed else []
    coders = tuple(
        Coder(name, {code.name: _spans(coder.get(key), code.kind, length_s) for key, code in codes})
        for name, coder in entries.items()
    )
    warnings += _identical(coders)
    ordered = tuple(sorted((code for _, code in codes), key=lambda code: (code.kind, code.group, code.name)))
    gaps = tuple(gap for file in files.values() for gap in file.gaps)
    return Scheme(ordered, coders, length_s, gaps, tuple(warnings))


def plain_code(name: str) -> str:
    """Return what two names of one code have in common."""
    return " ".join(name.casefold().split())


def _length(files: Mapping[str, AnnotationFile], duration_s: float | None) -> tuple[float, list[Message]]:
    """Return the recording's length in seconds, and what was assumed."""
    lengths = {name: file.duration_s for name, file in files.items() if file.duration_s is not None}
    for (left, left_s), (right, right_s) in zip(lengths.items(), list(lengths.items())[1:], strict=False):
        if not is_same_length(left_s, right_s):
            raise AgreementError(messages.OTHER_LENGTHS(one=left, one_s=left_s, other=right, other_s=right_s))
    ends = {name: max(_ends(file), default=(0.0, "")) for name, file in files.items()}
    length_s = duration_s if duration_s is not None else next(iter(lengths.values()), None)
    if length_s is not None:
        for name, (end_s, code) in ends.items():
            if end_s > length_s + END_TOLERANCE_S:
                raise AgreementError(messages.BEYOND_LENGTH(coder=name, code=code, time_s=end_s, duration_s=length_s))
        return length_s, []
    first, last = (choose(ends, key=lambda name: ends[name][0]) for choose in (min, max))
    if ends[last][0] > OTHER_UNITS * max(ends[first][0], 1.0):
        raise AgreementError(messages.OTHER_UNITS(one=first, one_s=ends[first][0], other=last, other_s=ends[last][0]))
    return ends[last][0], [messages.LENGTH_UNKNOWN(end_s=ends[last][0])]


def _ends(file: AnnotationFile) -> Iterable[tuple[float, str]]:
    return ((annotation.end_s, tier.name) for tier in file.tiers for annotation in tier.annotations)


def _tiers_of_labels(files: Mapping[str, AnnotationFile], labels: Labels) -> tuple[frozenset[str], list[Message]]:
    """Return the tiers, by their plain names, whose labels are codes."""
    if labels is Labels.REMARKS:
        return frozenset(), []
    tiers: dict[str, set[str]] = {}
    names: dict[str, str] = {}
    for file in files.values():
        for tier in () if file.codes_by_tier else file.tiers:
            key = plain_code(tier.name)
            names.setdefault(key, tier.name)
            part = {plain_code(annotation.label) for annotation in tier.annotations} - {""}
            tiers.setdefault(key, set()).update(part)
    several = frozenset(key for key, part in tiers.items() if len(part) > 1 or (part and labels is Labels.CODES))
    if labels is Labels.CODES or not several:
        return several, []
    return several, [messages.LABELS_AS_CODES(tiers=tuple(sorted(names[key] for key in several)))]


def _shared_labels(files: Iterable[AnnotationFile], coded_by_label: frozenset[str]) -> frozenset[str]:
    """Return the labels that are codes of two tiers, whoever of the coders has them there."""
    owners: dict[str, set[str]] = {}
    for file in files:
        for tier in file.tiers:
            for annotation in tier.annotations if _is_coded_by_label(file, tier, coded_by_label) else ():
                owners.setdefault(plain_code(annotation.label or tier.name), set()).add(plain_code(tier.name))
    return frozenset(label for label, tiers in owners.items() if len(tiers) > 1)


def _is_coded_by_label(file: AnnotationFile, tier: Tier, coded_by_label: frozenset[str]) -> bool:
    return not file.codes_by_tier and plain_code(tier.name) in coded_by_label


def _entries(file: AnnotationFile, coded_by_label: frozenset[str], shared: frozenset[str]) -> dict[str, _Entry]:
    """Return the codes of a file by their plain names. A label that two tiers have is a code of each."""
    entries: dict[str, _Entry] = {}
    for tier in file.tiers:
        if not _is_coded_by_label(file, tier, coded_by_label):
            _add(entries, tier.name, tier.category, tier.annotations)
            continue
        for annotation in tier.annotations:
            label = annotation.label or tier.name
            name = f"{tier.name}: {label}" if plain_code(label) in shared else label
            _add(entries, name, tier.name, (annotation,))
    return entries


def _add(entries: dict[str, _Entry], name: str, group: str, annotations: Iterable[Annotation]) -> None:
    key = plain_code(name)
    before = entries.get(key, _Entry(name, group, ()))
    entries[key] = _Entry(before.name, before.group, (*before.annotations, *annotations))


def _renamed(
    entries: Mapping[str, Entries], renames: Mapping[str, str], only: Sequence[str]
) -> dict[str, dict[str, _Entry]]:
    """Give codes their new names, and leave out those that are not compared."""
    plain = {plain_code(old): new for old, new in renames.items()}
    names = {key: entry.name for coder in entries.values() for key, entry in coder.items()}
    for old in renames:
        if plain_code(old) not in names:
            raise AgreementError(messages.UNKNOWN_CODE(code=old, codes=tuple(sorted(names.values()))))
    renamed: dict[str, dict[str, _Entry]] = {}
    for name, coder in entries.items():
        renamed[name] = {}
        for key, entry in coder.items():
            _add(renamed[name], plain.get(key, entry.name), entry.group, entry.annotations)
    names = {key: entry.name for coder in renamed.values() for key, entry in coder.items()}
    for code in only:
        if plain_code(code) not in names:
            raise AgreementError(messages.UNKNOWN_CODE(code=code, codes=tuple(sorted(names.values()))))
    selected = {plain_code(code) for code in only} or names.keys()
    return {name: {key: coder[key] for key in coder if key in selected} for name, coder in renamed.items()}


def _common_keys(
    entries: Mapping[str, Entries], files: Mapping[str, AnnotationFile]
) -> tuple[list[str], list[Message]]:
    """Return the codes that are compared, and what to say of those that somebody has not."""
    used: dict[str, _Entry] = {}
    for coder in entries.values():
        for key, entry in coder.items():
            if entry.annotations:
                used.setdefault(key, entry)
    if not any(sum(key in coder for coder in entries.values()) > 1 for key in used):
        lists = tuple(messages.CODES_OF(coder=name, codes=_names(coder)) for name, coder in entries.items())
        raise AgreementError(messages.NO_COMMON_CODES(codes=lists))
    absent: dict[str, list[str]] = {}
    unused: dict[str, list[str]] = {}
    keys = []
    for key, entry in used.items():
        lacking = [name for name, coder in entries.items() if key not in coder]
        incapable = [name for name in lacking if not _could_have(files[name], entry)]
        for name in incapable or lacking:
            (absent if incapable else unused).setdefault(name, []).append(entry.name)
        keys += [] if incapable else [key]
    warnings = [
        messages.CODES_ABSENT(coder=name, absent=tuple(codes), codes=_names(entries[name]))
        for name, codes in absent.items()
    ]
    warnings += [
        messages.CODES_UNUSED(coder=name, unused=tuple(codes), codes=_names(entries[name]))
        for name, codes in unused.items()
    ]
    return keys, warnings


def _could_have(file: AnnotationFile, entry: _Entry) -> bool:
    """Tell whether a coder who never noted a code could have: the file lists no unused codes, or has its tier."""
    return not file.lists_codes or plain_code(entry.group) in {plain_code(tier.name) for tier in file.tiers}


def _names(coder: Entries) -> tuple[str, ...]:
    return tuple(sorted(entry.name for entry in coder.values())) or ("-",)


def _code(entries: Sequence[_Entry]) -> tuple[Code, bool]:
    """Return a code, and whether it is a point for some and lasts for others."""
    kinds = {all(item.is_point for item in entry.annotations) for entry in entries if entry.annotations}
    first = next(entry for entry in entries if entry.annotations)
    group = next((entry.group for entry in entries if entry.group), "")
    return Code(first.name, group, Kind.STATE if kinds == {False} else Kind.POINT), len(kinds) > 1


def _spans(entry: _Entry | None, kind: Kind, duration_s: float) -> tuple[tuple[float, float], ...]:
    annotations = () if entry is None else sorted(entry.annotations)
    if kind is Kind.POINT:
        return tuple((min(item.start_s, duration_s), min(item.start_s, duration_s)) for item in annotations)
    return tuple((min(item.start_s, duration_s), min(item.end_s, duration_s)) for item in annotations)


def _identical(coders: Sequence[Coder]) -> list[Message]:
    """Return a warning for each coder whose annotations are another's."""
    return [
        messages.IDENTICAL(one=left.name, other=right.name)
        for number, right in enumerate(coders)
        for left in coders[:number]
        if left.spans == right.spans
    ]
