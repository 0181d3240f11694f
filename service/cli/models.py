"""`fer-phq models`: which checkpoint bundles there are, what they are, and whether they are whole."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from fer_phq.errors import FerPhqError
from service.settings import load_settings

Name = Annotated[str | None, typer.Argument(help="Name, id or folder of a bundle (default: the active one).")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="Checkpoint bundles: list, show, verify.")
    group.command(name="list")(list_command)
    group.command(name="show")(show_command)
    group.command(name="verify")(verify_command)
    app.add_typer(group, name="models")


def list_command() -> None:
    """List the bundles; the active one is marked.

    Example: `fer-phq models list`
    """
    from fer_phq.checkpoint import find_bundle, list_bundles

    active = find_bundle(load_settings().model).model_id
    table = Table("", "model id", "backbone", "PHQ head", "folder")
    for bundle in list_bundles():
        phq = bundle.config.phq
        head = f"{phq.scale}, {phq.provenance} labels" if phq else "none"
        mark = "active" if bundle.model_id == active else ""
        table.add_row(mark, bundle.model_id, bundle.config.backbone, head, str(bundle.path))
    Console().print(table)


def show_command(name: Name = None) -> None:
    """Show a bundle's model card: data, licences, figures, limits.

    Example: `fer-phq models show fer-vit-convstem`
    """
    from fer_phq.checkpoint import find_bundle

    bundle = find_bundle(name or load_settings().model)
    Console().print(Markdown(bundle.card or f"{bundle.model_id} has no model card."))


def verify_command(name: Name = None) -> None:
    """Check a bundle: the weights' hashes, that they fit the networks, and that probabilities come out.

    Example: `fer-phq models verify` (exit code 1 when something is wrong)
    """
    import numpy as np

    from fer_phq.checkpoint import damaged_files, find_bundle
    from fer_phq.model import load_model

    bundle = find_bundle(name or load_settings().model)
    damaged = damaged_files(bundle)
    if damaged:
        raise FerPhqError(f"{bundle.path / damaged[0]} is not the file that was shipped: its hash differs.")
    model = load_model(bundle.path)
    side = np.linspace(0, 255, 64, dtype=np.uint8)
    picture = np.broadcast_to(side[:, None, None], (64, 64, 3))
    probabilities = model.predict_emotions([np.ascontiguousarray(picture)])
    if not np.isfinite(probabilities).all() or abs(float(probabilities.sum()) - 1) > 1e-4:
        raise FerPhqError(f"{bundle.model_id} gives no probabilities: its weights are not usable.")
    print(f"{bundle.model_id} is whole: hashes match, weights load, probabilities sum to 1.")
