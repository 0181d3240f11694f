"""Messages about what a face mesh cannot say of a face."""

from __future__ import annotations

from fer_phq.core.messages import template

FACE_TOO_SMALL = template(
    "mesh.face_too_small",
    "The face is {size:.0f} pixels wide: its mesh needs {least:.0f}.",
)
NO_MESH = template(
    "mesh.no_mesh",
    "The mesh does not fit the face, which may be covered, cut off by the edge, or turned too far.",
)
TURNED_TOO_FAR = template(
    "mesh.turned_too_far",
    "The head is turned further than its pose can be measured: {yaw:.0f} degrees to the side, "
    "{pitch:.0f} up or down, or {roll:.0f} towards a shoulder.",
)
FACE_ON_ITS_SIDE = template(
    "mesh.face_on_its_side",
    "The face lies on its side, and its expression is less sure: turn the picture by {degrees:.0f} degrees clockwise.",
)
FACE_UPSIDE_DOWN = template(
    "mesh.face_upside_down",
    "The face is upside down, and its expression is less sure: turn the picture by 180 degrees.",
)
TOO_SMALL_FOR_BLENDSHAPES = template(
    "mesh.too_small_for_blendshapes",
    "The face is {size:.0f} pixels wide: its blendshapes need {least:.0f}.",
)
BLURRED = template("mesh.blurred", "The face is too blurred for its mesh, or was enlarged from too small a picture.")
BLURRED_FOR_BLENDSHAPES = template(
    "mesh.blurred_for_blendshapes",
    "The face is too blurred for its blendshapes and gaze, or was enlarged from too small a picture.",
)
TOO_SMALL_FOR_GAZE = template(
    "mesh.too_small_for_gaze",
    "The irises are {size:.1f} pixels wide: the gaze needs {least:.1f}.",
)
TURNED_TOO_FAR_FOR_GAZE = template(
    "mesh.turned_too_far_for_gaze",
    "The head is turned by more than {yaw:.0f} degrees to the side: the far eye is hardly seen, and there is no gaze.",
)
EYES_CLOSED = template(
    "mesh.eyes_closed",
    "The eyes are closed or nearly so: where they look is not seen.",
)
EYES_HIDDEN = template(
    "mesh.eyes_hidden",
    "The eyes are hidden, for example by dark glasses, hair or a hand, or too small or blurred to be seen: how far "
    "they are open and where they look is not known.",
)
MOUTH_HIDDEN = template(
    "mesh.mouth_hidden",
    "The mouth is hidden, for example by a mask or a scarf, or too blurred to be seen: how it moves is not known.",
)
