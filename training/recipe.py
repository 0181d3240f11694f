"""A recipe: the whole truth of a training run, read from one YAML file and checked before anything is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fer_phq.errors import SettingsError
from training.data import Augmentation


class Phase(BaseModel):
    """A run of epochs at one image size; small images first cost less and lose nothing at the end."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(ge=1)
    image_size: int = Field(ge=16, multiple_of=8)


class Recipe(BaseModel):
    """Every field of an emotion recipe; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """Names the bundle; its id is this name and a hash of the weights."""
    data: Path
    """Folder with FER+'s `train.parquet` and `valid.parquet`, relative to where training is started."""
    backbone: str
    """A timm name, or one of fer_phq.backbone's."""
    phases: tuple[Phase, ...] = Field(min_length=1)
    """Image size of each stretch of epochs; the last one's size is the bundle's."""
    batch_size: int = Field(ge=2)
    learning_rate: float = Field(gt=0)
    """Peak of the AdamW learning rate: linear warm-up, then one cosine to a hundredth."""
    weight_decay: float = Field(ge=0)
    warmup_epochs: float = Field(ge=0)
    drop_path: float = Field(ge=0, lt=1)
    ema_decay: float = Field(ge=0, lt=1)
    """Decay of the exponential moving average of the weights, a step; the average is what is validated and kept."""
    augmentation: Augmentation = Augmentation()
    seed: int = 0

    @model_validator(mode="after")
    def _warmup_fits(self) -> Self:
        if self.warmup_epochs >= self.epochs:
            raise ValueError(f"warm-up of {self.warmup_epochs} epochs does not fit into {self.epochs}")
        return self

    @property
    def epochs(self) -> int:
        """Epochs of all phases."""
        return sum(phase.epochs for phase in self.phases)

    @property
    def image_size(self) -> int:
        """Side in pixels that the finished model takes."""
        return self.phases[-1].image_size

    def size_of(self, epoch: int) -> int:
        """Image size of an epoch, counted from 0."""
        for phase in self.phases:
            if epoch < phase.epochs:
                return phase.image_size
            epoch -= phase.epochs
        return self.image_size


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe with everything filled in, so that what follows a run needs no other word of it."""
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False), encoding="utf-8")


def load_recipe(path: Path, overrides: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe and apply `key=value` overrides (values are YAML). Raises SettingsError in one sentence."""
    if not path.is_file():
        raise SettingsError(f"No recipe at {path}.")
    fields: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise SettingsError(f"'{override}' is not an override: write key=value.")
        fields[key] = yaml.safe_load(value)
    try:
        return Recipe.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "recipe"
        raise SettingsError(f"Recipe {path.name}, {where}: {first['msg']}.") from None
