"""ELAN's annotation format 3.0 (https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf)."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree

from fer_phq.annotations.tiers import CodedRecording, milliseconds, one_line, tier_rows

_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_TYPE = "annotations"


def eaf(recording: CodedRecording) -> str:
    """Return the EAF: a tier for each tier, further ones for what overlaps in it.

    A point lasts a millisecond, because an annotation of ELAN has a length.

    Args:
        recording: The annotations.
    """
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
    ElementTree.SubElement(header, "PROPERTY", {"NAME": "origin"}).text = one_line(recording.origin)
    ElementTree.SubElement(header, "PROPERTY", {"NAME": "recording"}).text = one_line(recording.name)
    slots = ElementTree.SubElement(root, "TIME_ORDER")
    count = 0
    for tier in recording.tiers:
        for name, row in tier_rows(tier):
            element = ElementTree.SubElement(root, "TIER", {"TIER_ID": one_line(name), "LINGUISTIC_TYPE_REF": _TYPE})
            for annotation in row:
                count += 1
                start = milliseconds(annotation.start_s)
                end = max(milliseconds(annotation.end_s), start + 1)
                ids = (f"ts{2 * count - 1}", f"ts{2 * count}")
                for slot, time in zip(ids, (start, end), strict=True):
                    ElementTree.SubElement(slots, "TIME_SLOT", {"TIME_SLOT_ID": slot, "TIME_VALUE": str(time)})
                holder = ElementTree.SubElement(element, "ANNOTATION")
                aligned = ElementTree.SubElement(holder, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": f"a{count}"})
                aligned.attrib |= {"TIME_SLOT_REF1": ids[0], "TIME_SLOT_REF2": ids[1]}
                ElementTree.SubElement(aligned, "ANNOTATION_VALUE").text = one_line(annotation.label)
    ElementTree.SubElement(
        root, "LINGUISTIC_TYPE", {"LINGUISTIC_TYPE_ID": _TYPE, "TIME_ALIGNABLE": "true", "GRAPHIC_REFERENCES": "false"}
    )
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
