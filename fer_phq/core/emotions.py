"""The seven emotions, their fixed order, and how each corpus's own order maps onto it.

Probabilities travel through the whole product as arrays whose last axis follows `EMOTIONS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EMOTIONS: tuple[str, ...] = (
    "anger",
    "disgust",
    "fear",
    "happiness",
    "neutral",
    "sadness",
    "surprise",
)
"""The seven classes in alphabetical order: the one order used everywhere."""

FER2013_LABELS: Mapping[int, str] = MappingProxyType(
    {
        0: "anger",
        1: "disgust",
        2: "fear",
        3: "happiness",
        4: "sadness",
        5: "surprise",
        6: "neutral",
    }
)
"""FER2013's own integer labels (Goodfellow et al., 2013, arXiv:1307.0414)."""

FERPLUS_VOTES: tuple[str, ...] = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
"""FER+'s vote columns in their published order (Barsoum et al., 2016, arXiv:1608.01041)."""

AFFECTNET_LABELS: Mapping[int, str] = MappingProxyType(
    {
        0: "neutral",
        1: "happiness",
        2: "sadness",
        3: "surprise",
        4: "fear",
        5: "disgust",
        6: "anger",
    }
)
"""AffectNet's labels of the seven (Mollahosseini et al., 2017, arXiv:1708.03985)."""

AFFECTNET_OTHERS: Mapping[int, str] = MappingProxyType({7: "contempt", 8: "none", 9: "uncertain", 10: "no-face"})
"""AffectNet's further labels; the last three are no expressions."""

RAFDB_LABELS: Mapping[int, str] = MappingProxyType(
    {
        1: "surprise",
        2: "fear",
        3: "disgust",
        4: "happiness",
        5: "sadness",
        6: "anger",
        7: "neutral",
    }
)
"""RAF-DB's basic-emotion labels, which start at 1 (Li et al., 2017)."""


SYNONYMS: Mapping[str, str] = MappingProxyType(
    {
        "angry": "anger",
        "disgusted": "disgust",
        "afraid": "fear",
        "fearful": "fear",
        "scared": "fear",
        "happy": "happiness",
        "joy": "happiness",
        "natural": "neutral",
        "calm": "neutral",
        "sad": "sadness",
        "surprised": "surprise",
    }
)
"""Our names for the labels that corpora and published models use."""


def canonical_name(label: str) -> str:
    """Return our name for a label of a corpus or a model: "Happy" gives "happiness", other labels are lowered."""
    name = label.strip().lower()
    return SYNONYMS.get(name, name)


def emotion_index(name: str) -> int:
    """Return an emotion's position in `EMOTIONS`.

    Raises:
        ValueError: The name is not one of the seven.
    """
    try:
        return EMOTIONS.index(name)
    except ValueError:
        raise ValueError(f"'{name}' is not one of the seven emotions: {', '.join(EMOTIONS)}.") from None
