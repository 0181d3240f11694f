"""The points of a face mesh by their numbers, and the names of the blendshapes, as in MediaPipe's face landmarker.

The 478 points and their numbers are those of MediaPipe's face mesh with irises (Kartynnik et al., 2019,
arXiv:1907.06724; Grishchenko et al., 2020, arXiv:2006.10962). Left and right are the person's own.
"""

from __future__ import annotations

POINTS = 478
"""Points of a mesh: 468 of the face, then five of the right iris and five of the left one."""

FACE_POINTS = 468
"""Points of the face, which the canonical face has too."""

RIGHT_EYE_OUTER = 33
"""Outer corner of the person's right eye."""
LEFT_EYE_OUTER = 263
"""Outer corner of the person's left eye."""
RIGHT_LIDS: tuple[int, ...] = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
"""Points around the opening of the person's right eye: below from the outer corner to the inner, then above."""
LEFT_LIDS: tuple[int, ...] = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
"""The same of the left eye."""
RIGHT_IRIS = 468
"""Centre of the person's right iris."""
LEFT_IRIS = 473
"""Centre of the person's left iris."""

OUTER_LIPS: tuple[int, ...] = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185
)  # fmt: skip
"""Points around the lips: below from the person's right corner to the left, then above."""
INNER_LIPS: tuple[int, ...] = (
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191
)  # fmt: skip
"""Points between the lips, each beside one of `OUTER_LIPS`."""

DETECTED_POINTS = ((33, 133), (362, 263), (4,), (61,), (291,))
"""The points whose means are the detector's five landmarks: eyes, tip of the nose, mouth corners, from image left."""

# fmt: off
RIGID_POINTS = (
    4, 6, 10, 33, 54, 67, 117, 119, 121, 127, 129, 132, 133, 136, 143, 147, 198, 205, 263, 284, 297, 346, 348, 350, 356,
    358, 361, 362, 365, 372, 376, 420, 425,
)
"""Points that expressions and speech move little (the basis of MediaPipe's face geometry)."""
# fmt: on

BLENDSHAPES = (
    "_neutral",
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
)
"""The blendshapes in the order of the network's outputs: names of Apple's ARKit, before them `_neutral`."""

EYE_BLENDSHAPES = tuple(name for name in BLENDSHAPES if name.startswith("eye"))
"""Those that say something of lids and irises."""

MOUTH_BLENDSHAPES = tuple(name for name in BLENDSHAPES if name.startswith(("mouth", "jaw", "cheek", "nose")))
"""Those that say something of the lower half of the face."""

# fmt: off
BLENDSHAPE_POINTS = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
    81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153,
    154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251,
    263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318,
    321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386,
    387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
)
"""The 146 points that the blendshapes are computed from (MediaPipe's face_blendshapes_graph)."""
# fmt: on
