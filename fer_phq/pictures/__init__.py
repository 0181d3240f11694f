"""Pictures of files: pixels from bytes that anybody may have made, read by a process that is limited and confined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_phq.core import lazy_names

if TYPE_CHECKING:
    from fer_phq.pictures.reader import Picture, PictureError, PictureReader, prepare_reader, read_pictures

__all__ = ["Picture", "PictureError", "PictureReader", "prepare_reader", "read_pictures"]

# Imported on first use: the process that decodes, which lies in this room, must not wait for its parent's side.
__getattr__ = lazy_names(__name__, dict.fromkeys(__all__, "fer_phq.pictures.reader"))
