"""Checkpoint bundles of a person's own in a backup, and back: whole ones, never the one that ships."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fer_phq.core.errors import ModelError
from fer_phq.models.checkpoint import CONFIG, SHIPPED, find_damaged_files, hash_weights, read_bundle
from service.settings import AppSettings

FOLDER = "models"


def own_bundles(settings: AppSettings) -> tuple[list[Path], list[str]]:
    """List the bundles that were trained or copied here: the folders of whole ones, the names of damaged ones.

    Args:
        settings: The installation.
    """
    whole, damaged = [], []
    for folder in sorted((settings.data_dir / FOLDER).glob("[!.]*")):
        if not (folder / CONFIG).is_file() or hash_weights(folder) == hash_weights(SHIPPED):
            continue
        if is_whole(folder):
            whole.append(folder)
        else:
            damaged.append(folder.name)
    return whole, damaged


def is_whole(folder: Path) -> bool:
    """Tell whether a bundle can be read and its weights are those that its configuration names.

    Args:
        folder: The bundle's folder.
    """
    try:
        return not find_damaged_files(read_bundle(folder))
    except ModelError:
        return False


def bundle_files(folder: Path) -> list[Path]:
    """List the files of a bundle.

    Args:
        folder: The bundle's folder.
    """
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def names_of(members: Iterable[str]) -> list[str]:
    """Return the names of the bundles of which a backup holds members.

    Args:
        members: Names of a backup's members.
    """
    return sorted({name.split("/")[1] for name in members if name.startswith(f"{FOLDER}/")})


def place_bundles(settings: AppSettings, draft: Path, names: Iterable[str], aside: Path | None) -> None:
    """Put restored bundles among the installation's own; one that is there already stays.

    Args:
        settings: The installation.
        draft: Where they were written, in a folder `models`.
        names: Their names.
        aside: Where another bundle of the same name goes; None where there is none.

    Raises:
        OSError: A folder cannot be moved.
    """
    for name in names:
        target = settings.data_dir / FOLDER / name
        if target.exists():
            if is_same(draft / FOLDER / name, target) or aside is None:
                continue
            (aside / FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
            target.replace(aside / FOLDER / name)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (draft / FOLDER / name).replace(target)


def is_same(folder: Path, other: Path) -> bool:
    """Tell whether two bundles have the same weights.

    Args:
        folder: A bundle's folder.
        other: The other's.
    """
    return hash_weights(folder) == hash_weights(other)
