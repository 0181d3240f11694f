"""A recipe: the whole truth of a training run, read from one YAML file and checked before anything is computed.

A recipe has a network and one or more stages. Its stage fields may stand at the top, where they hold for every stage;
`stages:` then lists what differs, and each stage starts from the weights of the one before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import SettingsError
from training.emotion.data.augment import Augmentation, Mix
from training.emotion.data.corpora import Source


def _precision_name(value: Any) -> Any:
    """Read the false that YAML makes of a bare `no` as the precision of that name, and names in any case."""
    if value is False:
        return "no"
    return value.lower() if isinstance(value, str) else value


Precision = Annotated[Literal["auto", "no", "bf16", "fp16"], BeforeValidator(_precision_name)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Lora(_Part):
    """Low-rank adapters in the attention's layers (Hu et al., 2022, arXiv:2106.09685), by peft; merged for a bundle."""

    rank: int = Field(ge=1)
    alpha: int = Field(ge=1)
    dropout: float = Field(0, ge=0, lt=1)
    targets: tuple[str, ...] = ("qkv", "proj")


class Network(_Part):
    """What is trained: a backbone with a linear head."""

    backbone: str
    """A timm name, or one of fer_phq.models.backbone's or training.emotion.networks.classic's."""
    in_chans: Literal[1, 3] = 1
    """1: luma; 3: colour."""
    mean: float = 0.507
    std: float = 0.255
    """Of pixels in 0-1 (the defaults are those of FER2013's training part); the bundle's config carries them."""
    init_from: str | None = None
    """`hub` for timm's weights (needs a network); or a safetensors file, a Hugging Face ViT folder, a bundle or a run,
    relative to where training is started."""
    lora: Lora | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    """Passed to the backbone as they are: drop_rate, drop_path_rate, patch_size, num_heads, ..."""


class Data(_Part):
    """Where the images come from. Images whose pixels stand in `valid` are left out of training."""

    train: tuple[Source, ...] = Field(min_length=1)
    valid: tuple[Source, ...] = Field(min_length=1)
    calibration: float = Field(0, ge=0, lt=0.5)
    """Share of the training images (chosen by the hash of their pixels) that is kept for the temperature."""


class Phase(_Part):
    """A run of epochs at one image size; small images first cost less and lose nothing at the end."""

    epochs: int = Field(ge=1)
    image_size: int = Field(ge=16)


class Optimiser(_Part):
    """learning_rate: the peak; layer_decay: each layer below the head learns at this factor of the one above."""

    name: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(0, ge=0)
    layer_decay: float = Field(1, gt=0, le=1)
    momentum: float = Field(0.9, ge=0, lt=1)
    """Of sgd (Nesterov)."""
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = Field(1e-8, gt=0)


class Schedule(_Part):
    """Linear warm-up, then `cycles` cosines from the peak to `final` of it (Loshchilov & Hutter, 2017)."""

    warmup_epochs: float = Field(0, ge=0)
    warmup_steps: int = Field(0, ge=0)
    cycles: int = Field(1, ge=1)
    final: float = Field(0.01, ge=0, le=1)


class Distil(_Part):
    """Learn from teachers (Hinton, Vinyals & Dean, 2015, arXiv:1503.02531).

    teachers: run folders or bundles whose mean probabilities are the target; weight: their share of it.
    """

    teachers: tuple[str, ...] = Field(min_length=1)
    weight: float = Field(0.7, ge=0, le=1)
    temperature: float = Field(1, gt=0)
    views: Literal["augmented", "clean"] = "augmented"
    """augmented: teachers see each step's augmented images (Beyer et al., 2022, arXiv:2106.05237: better in long runs);
    clean: they judge every image and its mirror once, before the stage, so that an epoch does not pay for them."""


class Stage(_Part):
    """One training: data, schedule and everything between. A recipe has one, or several that follow each other."""

    data: Data
    classes: tuple[str, ...] = Field(EMOTIONS, min_length=2)
    phases: tuple[Phase, ...] = Field(min_length=1)
    """Image size of each stretch of epochs; the last one's size is the bundle's."""
    batch_size: int = Field(ge=2)
    accumulate: int = Field(1, ge=1)
    """Batches a step of the optimiser."""
    optimiser: Optimiser
    schedule: Schedule = Schedule()
    clip: float | None = Field(1.0, gt=0)
    """Largest norm of a step's gradient."""
    balance: float = Field(0, ge=0, le=1)
    """Images are drawn with the inverse frequency of their class to this power: 0 as they are, 1 all classes alike."""
    majority: float = Field(0, ge=0, le=1)
    """Share of the target that goes to the majority class, the rest to the votes as they are."""
    label_smoothing: float = Field(0, ge=0, lt=1)
    augmentation: Augmentation = Augmentation()
    mix: Mix = Mix()
    distil: Distil | None = None
    ema_decay: float = Field(0, ge=0, lt=1)
    """Of the moving average of the weights, a step; where it is not 0, the average is what is validated and kept."""
    patience: int | None = Field(None, ge=1)
    """Stop after so many epochs without a better validation accuracy; the best epoch is kept then, else the last."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.schedule.warmup_epochs >= self.epochs:
            raise ValueError(f"warm-up of {self.schedule.warmup_epochs} epochs does not fit into {self.epochs}")
        return self

    @property
    def epochs(self) -> int:
        """Epochs of all phases."""
        return sum(phase.epochs for phase in self.phases)

    @property
    def image_size(self) -> int:
        """Side in pixels that the finished network takes."""
        return self.phases[-1].image_size

    def size_of(self, epoch: int) -> int:
        """Image size of an epoch, counted from 0."""
        for phase in self.phases:
            if epoch < phase.epochs:
                return phase.image_size
            epoch -= phase.epochs
        return self.image_size


class Recipe(_Part):
    """Every field of an emotion recipe; unknown fields are refused."""

    name: str
    """Names the run and its bundle; the bundle's id is this name and a hash of the weights."""
    root: Path = Path("data")
    """Folder that the sources' paths start from."""
    seed: int = 0
    precision: Precision = "auto"
    """auto: bf16 where the processor multiplies it in hardware, else none."""
    tracker: Literal["tensorboard", "wandb", "none"] = "tensorboard"
    workers: int = Field(2, ge=0)
    """Processes that decode images, for corpora that do not fit into memory."""
    save_minutes: float = Field(10, gt=0)
    """The state is written at least so often, and after every epoch."""
    max_steps: int | None = Field(None, ge=1)
    """Ends every stage after so many steps: to try a recipe."""
    network: Network
    stages: tuple[Stage, ...] = Field(min_length=1)

    @property
    def image_size(self) -> int:
        """Side in pixels that the finished network takes."""
        return self.stages[-1].image_size


def resolve(fields: dict[str, Any]) -> dict[str, Any]:
    """Move stage fields that stand at the top into every stage that does not set them itself."""
    shared = {key: value for key, value in fields.items() if key in Stage.model_fields}
    rest = {key: value for key, value in fields.items() if key not in shared}
    return rest | {"stages": [shared | stage for stage in fields.get("stages", [{}])]}


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe with everything filled in, so that what follows a run needs no other word of it."""
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False), encoding="utf-8")


def shipped_recipes() -> dict[str, Path]:
    """The recipes that come with the package, by name."""
    return {path.stem: path for path in sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml"))}


def find_recipe(text: str) -> Path:
    """A recipe's file by path, or by the name of one that comes with the package. Raises SettingsError."""
    if Path(text).is_file():
        return Path(text)
    if text in shipped_recipes():
        return shipped_recipes()[text]
    raise SettingsError(f"No recipe '{text}': name a YAML file or one of {', '.join(shipped_recipes())}.")


def load_recipe(path: Path, overrides: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe and apply `key=value` overrides (keys may be dotted, values are YAML).

    Raises SettingsError in one sentence that names the field.
    """
    if not path.is_file():
        raise SettingsError(f"No recipe at {path}.")
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not YAML: {str(error).splitlines()[0]}.") from None
    if not isinstance(fields, dict):
        raise SettingsError(f"{path} is not a recipe: it must be a mapping of fields.")
    for override in overrides:
        _override(fields, override)
    try:
        return Recipe.model_validate(resolve(fields))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "recipe"
        raise SettingsError(f"Recipe {path.name}, {where}: {first['msg']}.") from None


def _override(fields: dict[str, Any], override: str) -> None:
    """Set one dotted key; a number in it is a place in a list."""
    key, equals, value = override.partition("=")
    if not equals:
        raise SettingsError(f"'{override}' is not an override: write key=value.")
    *path, last = key.split(".")
    place: Any = fields
    try:
        for name in path:
            place = place[int(name)] if isinstance(place, list) else place.setdefault(name, {})
        place[int(last) if isinstance(place, list) else last] = yaml.safe_load(value)
    except (TypeError, ValueError, IndexError, AttributeError, yaml.YAMLError):
        raise SettingsError(f"'{override}' does not fit this recipe: {key} is not a field that can be set.") from None
