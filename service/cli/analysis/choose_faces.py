"""`fer-phq choose-faces`: say which face tracks of an analysed session are the subject's, without the recording."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.analysis.tracks import TRACK_IDS, parse_tracks
from service.cli.store import open_store
from service.models.active_model import active_bundle
from service.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="choose-faces")(choose_faces_command)


def choose_faces_command(
    analysis: Annotated[str, typer.Argument(help="Id of an analysis of the session, as its report names it.")],
    track: Annotated[str, typer.Option(metavar=TRACK_IDS, help="Exactly these face tracks are the subject's.")],
    model: Annotated[str | None, typer.Option(help="Name, id or folder of a bundle (default: the active one).")] = None,
) -> None:
    """Analyse the session with these faces as the subject's, from what is stored: no recording is needed.

    The earlier analysis stays; the new one stands for the session from now on, and its id is printed.

    Example: `fer-phq choose-faces 0c9ae1f0-5a2b-4c9e-9d0e-6a1c2f3b4d5e --track 0,3`
    """
    from fer_phq.models.model import load_model
    from service.models.face_choice import choose_faces

    tracks = parse_tracks(track)
    settings = load_settings(**({"model": model} if model else {}))
    with open_store(settings) as store:
        loaded = load_model(active_bundle(settings, store).path)
        print(choose_faces(store, analysis, tracks, loaded))
