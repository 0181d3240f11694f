"""Pictures of files: pixels from bytes that anybody may have made, read by a process that is limited and confined."""

from fer_phq.pictures.reader import Picture, PictureError, read_pictures

__all__ = ["Picture", "PictureError", "read_pictures"]
