"""ELAN's annotation format 3.0 (https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf)."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree

from fer_phq.core.speech.transcription import Transcription
from fer_phq.transcription.documents.marks import marked_text, milliseconds, origin, tiers

_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"


def eaf(transcription: Transcription) -> str:
    """Return the EAF: a tier a speaker; a property of the document says where the words come from."""
    ElementTree.register_namespace("xsi", _INSTANCE)
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "",
            "DATE": datetime.now(UTC).isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            f"{{{_INSTANCE}}}noNamespaceSchemaLocation": _SCHEMA,
        },
    )
    header = ElementTree.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    ElementTree.SubElement(header, "PROPERTY", {"NAME": "origin"}).text = _xml_text(origin(transcription))
    slots = ElementTree.SubElement(root, "TIME_ORDER")
    count = 0
    for name, segments in tiers(transcription).items():
        attributes = {"TIER_ID": _xml_text(name), "LINGUISTIC_TYPE_REF": "words"}
        tier = ElementTree.SubElement(root, "TIER", attributes)
        for segment in segments:
            count += 1
            ids = (f"ts{2 * count - 1}", f"ts{2 * count}")
            for slot, time_s in zip(ids, (segment.start_s, segment.end_s), strict=True):
                ElementTree.SubElement(
                    slots, "TIME_SLOT", {"TIME_SLOT_ID": slot, "TIME_VALUE": str(milliseconds(time_s))}
                )
            annotation = ElementTree.SubElement(ElementTree.SubElement(tier, "ANNOTATION"), "ALIGNABLE_ANNOTATION")
            annotation.attrib |= {"ANNOTATION_ID": f"a{count}", "TIME_SLOT_REF1": ids[0], "TIME_SLOT_REF2": ids[1]}
            ElementTree.SubElement(annotation, "ANNOTATION_VALUE").text = _xml_text(marked_text(segment))
    ElementTree.SubElement(
        root,
        "LINGUISTIC_TYPE",
        {"LINGUISTIC_TYPE_ID": "words", "TIME_ALIGNABLE": "true", "GRAPHIC_REFERENCES": "false"},
    )
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _xml_text(text: str) -> str:
    """Return a text without the characters that XML cannot hold."""
    return "".join(letter if letter.isprintable() or letter in " \t\n" else " " for letter in text)
