"""`fer-phq analyze` of pictures: their faces as a table or as JSON. Nothing of them is stored."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError
from fer_phq.core.paths import printable
from fer_phq.pictures.reader import MAX_BYTES, Picture, PictureError, prepare_reader, read_pictures
from service.cli import messages
from service.ingest.messages import UNREADABLE_FILE
from service.models.active_model import active_bundle
from service.settings import AppSettings

if TYPE_CHECKING:
    from rich.table import Table

    from fer_phq.pipeline.image import Face

_SHOWN = 3  # emotions of a face in the table


def analyze_pictures(paths: Sequence[Path], app_settings: AppSettings, *, as_json: bool) -> int:
    """Print the faces of pictures; one that cannot be read does not stop the others.

    Args:
        paths: Files.
        app_settings: The installation's settings.
        as_json: Whether a JSON document a picture is printed instead of a table.

    Returns:
        The exit code: 0 when every picture was analysed, else 1.

    Raises:
        FerPhqError: The model cannot be loaded.
    """
    prepare_reader()  # it loads its libraries while those of the model are loaded here
    from fer_phq.models.model import load_model
    from fer_phq.pipeline.image import analyze_image

    model = load_model(active_bundle(app_settings))
    failed = 0
    for path in paths:
        try:
            picture = _read(path)
            faces = analyze_image(picture.rgb, model)
        except FerPhqError as error:
            failed += 1
            print(f"Error: {printable(f'{path.name}: {error}')}", file=sys.stderr)
            continue
        if as_json:
            print(json.dumps(_as_document(path, picture, faces, model.model_id)), flush=True)
        else:
            from rich.console import Console  # JSON does without it

            Console().print(_as_table(path, picture, faces, model.model_id))
    return 1 if failed else 0


def _read(path: Path) -> Picture:
    """Read a picture's file. Raises FerPhqError where it cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FerPhqError(UNREADABLE_FILE(path=str(path), reason=error.strerror or str(error))) from None
    (picture,) = read_pictures([content])
    if isinstance(picture, PictureError):
        raise picture
    return picture


def _as_document(path: Path, picture: Picture, faces: Sequence[Face], model_id: str) -> dict[str, Any]:
    height, width, _ = picture.rgb.shape
    return {
        "file": str(path),
        "model_id": model_id,
        "width": width,
        "height": height,
        "faces": [
            {
                "box": [round(value, 1) for value in face.box],
                "score": round(face.detection_score, 4),
                "quality": round(face.quality, 4),
                "emotions": {name: round(float(share), 4) for name, share in zip(EMOTIONS, face.emotions, strict=True)},
                **face.geometry.as_dict(),
                "gaps": [str(gap) for gap in face.geometry.gaps],
            }
            for face in faces
        ],
        "notes": [str(note) for note in picture.notes],
    }


def _head_pose(face: Face) -> list[str]:
    pose = face.geometry.head_pose
    if pose is None:
        return [str(gap) for gap in face.geometry.gaps]
    head = f"head pitch {pose.pitch_deg:.0f}, yaw {pose.yaw_deg:.0f}, roll {pose.roll_deg:.0f} degrees"
    gaze = face.geometry.gaze
    if gaze is None:
        return [head, *(str(gap) for gap in face.geometry.gaps)]
    return [head, f"gaze pitch {gaze.pitch_deg:.0f}, yaw {gaze.yaw_deg:.0f} degrees"]


def _as_table(path: Path, picture: Picture, faces: Sequence[Face], model_id: str) -> Table:
    from rich.table import Table
    from rich.text import Text

    height, width, _ = picture.rgb.shape
    table = Table(title=Text(printable(path.name)), title_justify="left", show_header=False, min_width=60)
    table.add_row("Picture", f"{width} x {height}, model {model_id}")
    if not faces:
        table.add_row("Faces", str(messages.NO_FACE_IN_PICTURE()))
    for number, face in enumerate(faces, 1):
        ranked = sorted(zip(EMOTIONS, face.emotions, strict=True), key=lambda pair: -pair[1])[:_SHOWN]
        x0, y0, x1, y1 = face.box
        shares = ", ".join(f"{name} {share:.0%}" for name, share in ranked)
        place = f"{x1 - x0:.0f} x {y1 - y0:.0f} pixels at {x0:.0f}, {y0:.0f}"
        table.add_row(f"Face {number}", "\n".join([shares, *_head_pose(face), place]))
    for note in picture.notes:
        table.add_row("Note", Text(printable(str(note))))
    return table
