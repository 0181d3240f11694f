"""ELAN's .eaf, versions 2.x and 3.0 (https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf).

The document is parsed without a document type: entities that unfold without end, or read other files, need one.
"""

from __future__ import annotations

from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from fer_phq.annotations import messages
from fer_phq.annotations.readers.files import AnnotationFile, UnusableFile
from fer_phq.annotations.tiers import Annotation, Tier, one_line
from fer_phq.core.messages import Message

MILLISECONDS = "milliseconds"
POINT_MS = 1
"""An annotation of ELAN has a length: one of a millisecond is a point, as `annotations.elan` writes it."""
_S = 1e-3

Times = dict[str, tuple[int, int]]
"""Start and end of each annotation that has both, in ms, by its id."""


def read_elan(document: bytes) -> AnnotationFile:
    """Read a document of ELAN. An annotation that depends on another one has the other's times.

    Args:
        document: The file's bytes; their XML declaration names the encoding.

    Raises:
        UnusableFile: It is no XML, none of ELAN's, declares a document type, or counts in frames.
    """
    root = _parse(document)
    if root.tag != "ANNOTATION_DOCUMENT":
        raise UnusableFile(messages.NOT_ELAN())
    header = root.find("HEADER")
    unit = MILLISECONDS if header is None else header.get("TIME_UNITS", MILLISECONDS)
    if unit != MILLISECONDS:
        raise UnusableFile(messages.TIME_UNITS(unit=unit[:40]))
    origin_ms, warnings = _origin_ms(header)
    times = _aligned_times(root)
    referring = {element.get("ANNOTATION_ID", ""): element for element in root.iter("REF_ANNOTATION")}
    siblings = _siblings(root)
    tiers = []
    names: set[str] = set()
    left_out = 0
    for element in root.iter("TIER"):
        name = one_line(element.get("TIER_ID", ""))
        if name in names:
            raise UnusableFile(messages.REPEATED_TIER(name=name))
        names.add(name)
        annotations = []
        for holder in element.iter("ANNOTATION"):
            for child in holder:
                span = _span(child, times, referring, siblings)
                if span is None:
                    left_out += 1
                else:
                    annotations.append(_annotation(span, origin_ms, child.findtext("ANNOTATION_VALUE") or ""))
        tiers.append(Tier(name, tuple(annotations)))
    if left_out:
        warnings.append(messages.UNALIGNED(n=left_out))
    return AnnotationFile("ELAN", tuple(tiers), warnings=tuple(warnings))


def _parse(document: bytes) -> Element:
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(document, True)
        return builder.close()
    except expat.ExpatError as error:
        raise UnusableFile(messages.NOT_XML(line=error.lineno)) from None
    except LookupError:  # an encoding that its declaration names and nobody knows
        raise UnusableFile(messages.NOT_XML(line=1)) from None


def _refuse_doctype(*_: object) -> NoReturn:
    raise UnusableFile(messages.ENTITIES())


def _origin_ms(header: Element | None) -> tuple[int, list[Message]]:
    """Return what to add to times so that they count from the first medium's start, and what to say of it."""
    media = [] if header is None else header.findall("MEDIA_DESCRIPTOR")
    origins = [_whole(medium.get("TIME_ORIGIN")) or 0 for medium in media]
    if not any(origins):
        return 0, []
    warnings = [] if origins[0] == 0 else [messages.MEDIA_ORIGIN(origin_s=origins[0] * _S)]
    if len(set(origins)) > 1:
        warnings.append(messages.MEDIA_ORIGINS())
    return origins[0], warnings


def _aligned_times(root: Element) -> Times:
    slots = {slot.get("TIME_SLOT_ID"): _whole(slot.get("TIME_VALUE")) for slot in root.iter("TIME_SLOT")}
    times = {}
    for element in root.iter("ALIGNABLE_ANNOTATION"):
        start = slots.get(element.get("TIME_SLOT_REF1"))
        end = slots.get(element.get("TIME_SLOT_REF2"))
        if start is not None and end is not None:
            times[element.get("ANNOTATION_ID", "")] = (start, end)
    return times


def _siblings(root: Element) -> dict[tuple[str, str], int]:
    """Count the annotations of each tier that refer to the same one: they share its time, nobody knows how."""
    counts: dict[tuple[str, str], int] = {}
    for tier in root.iter("TIER"):
        for element in tier.iter("REF_ANNOTATION"):
            key = (tier.get("TIER_ID", ""), element.get("ANNOTATION_REF", ""))
            counts[key] = counts.get(key, 0) + 1
            element.set("TIER_ID", key[0])
    return counts


def _span(
    element: Element, times: Times, referring: dict[str, Element], siblings: dict[tuple[str, str], int]
) -> tuple[int, int] | None:
    """Return an annotation's start and end in ms, its own or those of the one that it refers to; None without any."""
    visited: set[str] = set()
    while element.tag == "REF_ANNOTATION":
        parent = element.get("ANNOTATION_REF", "")
        if parent in visited or siblings.get((element.get("TIER_ID", ""), parent), 0) > 1:
            return None
        visited.add(parent)
        if parent not in referring:
            return times.get(parent)
        element = referring[parent]
    return times.get(element.get("ANNOTATION_ID", ""))


def _annotation(span: tuple[int, int], origin_ms: int, label: str) -> Annotation:
    start, end = (time + origin_ms for time in span)
    return Annotation(start * _S, (start if 0 <= end - start <= POINT_MS else end) * _S, one_line(label))


def _whole(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None
