"""A portrait as a puppet: named movements of the face, each a smooth local warp, drawn as a picture.

The movements follow the action units of the facial action coding system (Ekman, Friesen and Hager, 2002) as far as one
flat picture allows. What comes out is a rendering: it shows what the product does, not how anyone feels.

The portrait is NASA's of Eileen Collins (public domain; the picture that scikit-image ships as `astronaut`, columns
44 to 403 of rows 0 to 331).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from importlib.resources import files

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFilter, ImageFont
from scipy.ndimage import gaussian_filter, map_coordinates

from fer_phq.core.arrays import FloatArray, Image
from training.simulation.puppet.warps import FACE, Warps, close_eyes, compute_masks, flatten, part_lips

SIZE = (400, 300)
"""Width and height of a drawn picture in pixels."""
CAPTION = "Demonstration - rendered, not a person's session"

NECK = (180.0, 205.0)
"""The point of the portrait about which the head tilts."""
OUTLINE = (
    (-60, 400), (-60, 310), (0, 278), (36, 233), (69, 208), (73, 187), (83, 167), (106, 151), (127, 147), (125, 134),
    (113, 119), (108, 100), (109, 85), (114, 71), (130, 57), (148, 42), (166, 30), (187, 15), (216, 20), (240, 34),
    (256, 60), (258, 92), (248, 117), (234, 132), (220, 148), (214, 172), (229, 186), (256, 216), (263, 236),
    (284, 246), (300, 266), (310, 300), (316, 400),
)  # fmt: skip
"""The person's outline in the portrait, for lifting it off its background; drawn soft."""


@dataclass(frozen=True)
class Pose:
    """The puppet's posture in one picture.

    A face at rest has the mouth closed, the eyes on the camera and 0 in every field; movements of the face reach from
    0 to 1.
    """

    smile: float = 0.0
    """Mouth corners out and up, with cheeks (units 6 and 12)."""
    teeth: float = 0.0
    """Lips apart as in the portrait's own smile (unit 25)."""
    frown: float = 0.0
    """Mouth corners down (unit 15), chin up (17)."""
    press: float = 0.0
    """Lips tight (units 23 and 24)."""
    jaw: float = 0.0
    """Jaw dropped, mouth open and rounded (units 26 and 27)."""
    stretch: float = 0.0
    """Mouth corners drawn out sideways, lips parted (units 20 and 25)."""
    sneer: float = 0.0
    """Upper lip and nose drawn up (units 9 and 10)."""
    brow_up: float = 0.0
    """Both brows raised (units 1 and 2)."""
    brow_inner: float = 0.0
    """Inner ends of the brows raised (units 1 and 4, as in sorrow)."""
    brow_down: float = 0.0
    """Brows lowered and drawn together (unit 4)."""
    wide: float = 0.0
    """Eyes wide open (unit 5)."""
    lids: float = 0.0
    """Upper lids lowered; 1 is closed (units 43 and 45)."""
    squint: float = 0.0
    """Lower lids raised (units 6 and 7)."""
    look_down: float = 0.0
    """Eyes turned down (unit 64), upper lids with them."""
    shift_x: float = 0.0
    """The head's place to the right of the middle, as a share of the picture's width."""
    shift_y: float = 0.0
    """The head's place below its usual height, as a share of the picture's height."""
    zoom: float = 0.0
    """The head's size: 0.1 is a tenth larger."""
    tilt: float = 0.0
    """The head's rotation about the neck in degrees."""
    cover: float = 0.0
    """A sheet of paper lifted in front of the face; 1 hides it."""

    def towards(self, target: Pose, share: float) -> Pose:
        """Interpolate between this pose and another.

        Args:
            target: The pose that a share of 1 gives.
            share: How far on the way to it, 0 to 1.
        """
        return Pose(*((1 - share) * getattr(self, f.name) + share * getattr(target, f.name) for f in fields(self)))


PORTRAIT = {"smile": 1.0, "squint": 0.3, "press": 0.4}
"""The expression of the portrait itself, which a pose of 0 undoes."""
LIDS_FOLLOW = 0.45
"""How far the upper lids come down with eyes that look down."""
MOUTH_COLOUR = np.array([58.0, 22.0, 22.0], dtype=np.float32)


class Puppet:
    """The portrait, ready to be posed."""

    def __init__(self) -> None:
        """Read the portrait and compute what every picture needs."""
        with files("training.simulation.puppet").joinpath("portrait.jpg").open("rb") as file:
            portrait = PillowImage.open(file).convert("RGB")
        self._person = portrait.convert("RGBA")
        self._person.putalpha(_outline(portrait.size))
        x0, y0, x1, y1 = FACE
        self._face = np.asarray(portrait, dtype=np.float32)[y0:y1, x0:x1]
        self._warps = Warps()
        self._masks = compute_masks()
        self._flat = flatten(self._face, self._masks["cheeks"])
        self._border = PillowImage.fromarray(_border(self._warps.x, self._warps.y))

    def draw(self, pose: Pose) -> Image:
        """Draw the puppet over its backdrop, with a caption.

        Args:
            pose: What the puppet does.

        Returns:
            A uint8 RGB picture (height, width, 3) of `SIZE`.
        """
        person = self._person.copy()
        person.paste(PillowImage.fromarray(self.face(pose)), FACE[:2], self._border)
        person = person.transform(SIZE, PillowImage.Transform.AFFINE, _affine(pose), PillowImage.Resampling.BILINEAR)
        picture = self._backdrop.copy()
        picture.paste(person, (0, 0), person)
        if pose.cover > 0:
            _draw_paper(picture, pose.cover)
        picture.paste(self._caption, (0, SIZE[1] - self._caption.height))
        return np.array(picture)

    def face(self, pose: Pose) -> Image:
        """Draw the moved face alone.

        Args:
            pose: What the face does.

        Returns:
            A uint8 RGB picture as large as `FACE`.
        """
        x = self._warps.x.copy()
        y = self._warps.y.copy()
        for name, (dx, dy) in self._warps.moves.items():
            amount = getattr(pose, name) - PORTRAIT.get(name, 0.0)
            x -= amount * dx
            y -= amount * dy
        y = close_eyes(x, y, max(pose.lids, LIDS_FOLLOW * pose.look_down))
        apart = min(1.0, pose.teeth + 0.6 * pose.stretch + 0.5 * pose.sneer + pose.jaw)
        teeth = min(1.0, pose.teeth + 0.8 * pose.stretch + 0.6 * pose.sneer)
        y, inside = part_lips(x, y, apart=apart, jaw=pose.jaw, teeth=teeth)
        shaded = self._shade(pose)
        coordinates = np.stack([y - FACE[1], x - FACE[0]])
        colours = [map_coordinates(shaded[..., c], coordinates, order=1, mode="nearest") for c in range(3)]
        moved = np.stack(colours, axis=-1)
        painted = moved + inside[..., None] * (MOUTH_COLOUR - moved)
        return np.asarray(painted.clip(0, 255), dtype=np.uint8)

    def _shade(self, pose: Pose) -> FloatArray:
        """Add the pose's shadows to the unmoved face, and take away the folds of the portrait's smile."""
        masks = self._masks
        flat = 0.95 * (1 - min(1.0, pose.smile + 0.5 * pose.sneer)) * masks["cheeks"][..., None]
        face = self._face + flat * (self._flat - self._face)
        dark = (
            (0.25 + 0.25 * pose.brow_down) * masks["brows"]
            + pose.brow_down * (0.22 * masks["furrow"] + 0.3 * masks["sockets"])
            + (0.16 - 0.1 * pose.smile) * masks["lips"]
            + 0.3 * pose.frown * masks["corners"]
            + 0.2 * pose.sneer * masks["nose"]
        )
        return np.asarray(face * (1 - np.clip(dark, 0, 0.8))[..., None], dtype=np.float32)

    @cached_property
    def _backdrop(self) -> PillowImage.Image:
        """A mottled wall like the portrait's own."""
        width, height = SIZE
        noise = gaussian_filter(np.random.default_rng(5).normal(size=(height, width)), 22)
        wall = np.array([203.0, 194.0, 196.0]) + 9 * (noise / noise.std())[..., None] * np.array([1.0, 0.95, 0.9])
        return PillowImage.fromarray(wall.clip(0, 255).astype(np.uint8))

    @cached_property
    def _caption(self) -> PillowImage.Image:
        """The strip at the lower edge that says what the picture is."""
        strip = PillowImage.new("RGB", (SIZE[0], 20), (20, 20, 20))
        ImageDraw.Draw(strip).text((SIZE[0] / 2, 10), CAPTION, (255, 255, 255), ImageFont.load_default(13), anchor="mm")
        return strip


def _border(x: FloatArray, y: FloatArray) -> Image:
    """Compute the opacity of the warped face over the portrait: it fades out over its last six pixels."""
    x0, y0, x1, y1 = FACE
    inward = np.minimum(np.minimum(x - x0, x1 - 1 - x), np.minimum(y - y0, y1 - 1 - y))
    return np.asarray(255 * np.clip(inward / 6, 0, 1), dtype=np.uint8)


def _outline(size: tuple[int, int]) -> PillowImage.Image:
    """Draw the person's soft outline as a mask."""
    mask = PillowImage.new("L", size)
    ImageDraw.Draw(mask).polygon(OUTLINE, 255)
    return mask.filter(ImageFilter.GaussianBlur(2.5))


def _affine(pose: Pose) -> tuple[float, float, float, float, float, float]:
    """Compute the affine map from a drawn picture's pixels to the portrait's, for Pillow."""
    width, height = SIZE
    scale = 1.0 / (1.02 * (1 + pose.zoom))
    angle = np.deg2rad(pose.tilt)
    cos = float(np.cos(angle)) * scale
    sin = float(np.sin(angle)) * scale
    x = width * (0.5 + pose.shift_x)  # where the neck is drawn
    y = height * (0.72 + pose.shift_y)
    return cos, sin, NECK[0] - cos * x - sin * y, -sin, cos, NECK[1] + sin * x - cos * y


def _draw_paper(picture: PillowImage.Image, cover: float) -> None:
    """Draw a lined sheet that rises from below until it hides the face."""
    width, height = SIZE
    left = round(width * 0.3)
    top = round(height * (1.05 - 0.95 * min(cover, 1.0)))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((left, top, width - left, top + height), (243, 241, 232), (190, 188, 180))
    for y in range(top + 24, top + height, 14):
        draw.line((left + 16, y, width - left - 16, y), (178, 182, 190))
