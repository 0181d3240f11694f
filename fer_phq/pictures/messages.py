"""Messages about pictures that cannot be read, and about how others were read."""

from __future__ import annotations

from fer_phq.core.messages import counted, template

EMPTY = template("pictures.empty", "The picture is empty (0 bytes): send it again.")
TOO_MANY_BYTES = template(
    "pictures.too_many_bytes", "The picture has more than {limit} MB: send it smaller, or with more compression."
)
NOT_A_PICTURE = template(
    "pictures.not_a_picture",
    "This is no picture that is read here, whatever its name says: send a JPEG, PNG, WebP, BMP, TIFF or GIF.",
)
TOO_LARGE = template(
    "pictures.too_large",
    "The picture has {width}x{height} pixels; at most {pixels} million in all and {side} a side are read: send it "
    "smaller.",
)
SEVERAL = counted(
    "pictures.several",
    "The file holds {n} picture as an animation: send one picture.",
    "The file holds {n} pictures (an animation, or pages): send one picture.",
)
DAMAGED = template("pictures.damaged", "The picture is damaged or cut short: send it again.")
UNKNOWN_COLOURS = template(
    "pictures.unknown_colours", "The picture's kind of colours ({mode}) is not read here: send it as 8-bit RGB."
)
TOO_MUCH_MEMORY = template(
    "pictures.too_much_memory", "The picture takes more memory than its size warrants: send it as a plain JPEG or PNG."
)
BROKE_DOWN = template(
    "pictures.broke_down", "The picture cannot be read, its decoder broke down over it: send it as a plain JPEG or PNG."
)

SCALED_DEPTH = template("pictures.scaled_depth", "The picture's 16 bits a pixel were scaled to 8.")
OVER_WHITE = template("pictures.over_white", "What is transparent in the picture was taken as white.")
PRINT_COLOURS = template(
    "pictures.print_colours",
    "The picture has colours for print (CMYK), which were turned into RGB without their profile: they are not exact.",
)
