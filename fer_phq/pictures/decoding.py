"""Pixels of one picture: which files are read, and how each kind of colours becomes RGB of 8 bits.

Runs in the process of `fer_phq.pictures.process_main` only: what is decoded here may have been made to do harm. All of
it is Pillow's: to load NumPy would take as long as to start the process and to decode a picture.
"""

from __future__ import annotations

import io

from PIL import (  # noqa: F401, registers the format  # noqa: F401
    BmpImagePlugin,
    GifImagePlugin,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from PIL import Image as PillowImage

from fer_phq.core.errors import RecordingError
from fer_phq.core.messages import Message
from fer_phq.pictures import messages

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
MAX_SIDE = 12_000
"""Most pixels of a side."""
MAX_PIXELS = 40_000_000
"""Most pixels in all."""
_TRANSPARENT = ("RGBA", "LA", "PA", "RGBa", "La")
_DIRECT = ("1", "L", "P", "RGB", "RGBX", "YCbCr", "CMYK")
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N")


class UnreadablePictureError(RecordingError):
    """A picture cannot be read."""


def decode_picture(content: bytes) -> tuple[PillowImage.Image, list[Message]]:
    """Decode one picture, upright as its EXIF says.

    Args:
        content: The file's bytes.

    Returns:
        The picture in Pillow's mode RGB, and what a person should know of how it was read.

    Raises:
        UnreadablePictureError: It is no picture, or one that is not read here.
    """
    # The bounds below are ours, and stricter than Pillow's, which would only warn at first.
    PillowImage.MAX_IMAGE_PIXELS = None
    try:
        picture = PillowImage.open(io.BytesIO(content), formats=FORMATS)
    except MemoryError:
        raise
    except Exception as error:  # whatever a hostile file makes a parser raise
        raise UnreadablePictureError(messages.NOT_A_PICTURE()) from error
    _check_size(picture)
    try:
        count = int(getattr(picture, "n_frames", 1))
    except MemoryError:
        raise
    except Exception as error:
        raise UnreadablePictureError(messages.DAMAGED()) from error
    # A telephone's JPEG may carry smaller copies after the picture itself (MPO).
    if count > 1 and picture.format != "MPO":
        raise UnreadablePictureError(messages.SEVERAL(n=count))
    try:
        picture.load()
        upright = ImageOps.exif_transpose(picture)
    except MemoryError:
        raise
    except Exception as error:
        raise UnreadablePictureError(messages.DAMAGED()) from error
    return _to_rgb(upright)


def _check_size(picture: PillowImage.Image) -> None:
    width, height = picture.size
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        limits = {"pixels": MAX_PIXELS // 1_000_000, "side": MAX_SIDE}
        raise UnreadablePictureError(messages.TOO_LARGE(width=width, height=height, **limits))


def _to_rgb(picture: PillowImage.Image) -> tuple[PillowImage.Image, list[Message]]:
    """Turn each kind of colours into RGB. Pillow alone would cut 16 bits off at 255: all but black would be white."""
    if picture.mode in _TRANSPARENT or (picture.mode in _DIRECT and "transparency" in picture.info):
        return _over_white(picture.convert("RGBA"))
    if picture.mode in _DEEP:
        scaled = picture.convert("I").point([(value + 128) // 257 for value in range(1 << 16)], "L")
        return scaled.convert("RGB"), [messages.SCALED_DEPTH()]
    if picture.mode not in _DIRECT:
        raise UnreadablePictureError(messages.UNKNOWN_COLOURS(mode=picture.mode))
    notes = [messages.PRINT_COLOURS()] if picture.mode == "CMYK" else []
    return picture.convert("RGB"), notes


def _over_white(picture: PillowImage.Image) -> tuple[PillowImage.Image, list[Message]]:
    """Lay a picture over white: what lies hidden under full transparency is no part of it."""
    if picture.getchannel("A").getextrema() == (255, 255):
        return picture.convert("RGB"), []
    white = PillowImage.new("RGBA", picture.size, "white")
    return PillowImage.alpha_composite(white, picture).convert("RGB"), [messages.OVER_WHITE()]
