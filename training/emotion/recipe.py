"""A recipe: the complete description of a training run, read from one YAML file and checked before training.

A recipe has a network and one or more stages. Fields of a stage may be written at the top, where they hold for every
stage; `stages:` then lists the differences. Each stage starts from the weights of the stage before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FieldError, SettingsError, field_message
from fer_phq.models.config_rules import option_problem
from training.emotion import messages
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
    """Low-rank adapters in the layers of the attention (Hu et al., 2022, arXiv:2106.09685), by peft.

    They are merged into the weights of a bundle.
    """

    rank: int = Field(ge=1)
    alpha: int = Field(ge=1)
    dropout: float = Field(0, ge=0, lt=1)
    targets: tuple[str, ...] = ("qkv", "proj")


class Network(_Part):
    """The network to train: a backbone with a linear head."""

    backbone: str
    """A name of timm, of `fer_phq.models.networks.backbone` or of `training.emotion.networks`."""
    in_chans: Literal[1, 3] = 1
    """1: luma; 3: colour."""
    mean: float = 0.507
    """Mean of pixels in 0-1. The default is that of FER2013's training part; the bundle's config carries it."""
    std: float = 0.255
    """Standard deviation of pixels in 0-1, with a default and use as `mean`."""
    init_from: str | None = None
    """Initial weights: `hub` for timm's (needs the internet); or a safetensors file, a Hugging Face ViT folder, a
    bundle or a run, relative to the working directory."""
    lora: Lora | None = None
    """Trains adapters instead of the backbone."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Arguments of the backbone, of `fer_phq.models.config_rules.OPTIONS`: drop_rate, patch_size, num_heads, ..."""

    @model_validator(mode="after")
    def _check_options(self) -> Self:
        problem = option_problem(self.options)
        if problem is not None:
            raise FieldError(problem)
        return self


class Data(_Part):
    """Sources of the images. Images whose pixels occur in `valid` are left out of training."""

    train: tuple[Source, ...] = Field(min_length=1)
    """Sources to train on."""
    valid: tuple[Source, ...] = Field(min_length=1)
    """Sources to validate on."""
    calibration: float = Field(0, ge=0, lt=0.5)
    """Share of the training images, selected by the hash of their pixels, that is set aside for the temperature."""


class Phase(_Part):
    """Consecutive epochs at one image size. Small images at first save time and cost no accuracy at the end."""

    epochs: int = Field(ge=1)
    """Number of epochs."""
    image_size: int = Field(ge=16)
    """Side in pixels."""


class Optimiser(_Part):
    """The optimiser and its hyperparameters."""

    name: Literal["adamw", "adam", "sgd"] = "adamw"
    """Which optimiser."""
    learning_rate: float = Field(gt=0)
    """The peak of the schedule."""
    weight_decay: float = Field(0, ge=0)
    """Of weights other than biases, norms and position embeddings."""
    layer_decay: float = Field(1, gt=0, le=1)
    """Factor of each layer's learning rate to that of the layer above."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Of sgd (Nesterov)."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Of adam and adamw."""
    eps: float = Field(1e-8, gt=0)
    """Of adam and adamw."""


class Schedule(_Part):
    """Linear warm-up, then `cycles` cosines from the peak to `final` of it (Loshchilov & Hutter, 2017)."""

    warmup_epochs: float = Field(0, ge=0)
    """Length of the warm-up in epochs."""
    warmup_steps: int = Field(0, ge=0)
    """Length of the warm-up in steps; where it is not 0, it replaces `warmup_epochs`."""
    cycles: int = Field(1, ge=1)
    """Number of cosines."""
    final: float = Field(0.01, ge=0, le=1)
    """Lowest learning rate, as a share of the peak."""


class Distil(_Part):
    """Distillation from teachers (Hinton, Vinyals & Dean, 2015, arXiv:1503.02531)."""

    teachers: tuple[str, ...] = Field(min_length=1)
    """Run folders or bundles whose mean probabilities are a target."""
    weight: float = Field(0.7, ge=0, le=1)
    """Share of the teachers in the target."""
    temperature: float = Field(1, gt=0)
    """Divides the logits."""
    views: Literal["augmented", "clean"] = "augmented"
    """augmented: teachers see each step's augmented images (Beyer et al., 2022, arXiv:2106.05237: better in long runs);
    clean: they predict every image and its mirror image once, before the stage, which makes the epochs faster."""


class Stage(_Part):
    """One stage of training: its data, schedule and hyperparameters. A recipe has one stage or several in order."""

    data: Data
    """Sources of the images."""
    classes: tuple[str, ...] = Field(EMOTIONS, min_length=2)
    """Names of the network's outputs."""
    phases: tuple[Phase, ...] = Field(min_length=1)
    """Epochs and their image sizes; the last size is the bundle's."""
    batch_size: int = Field(ge=2)
    """Images a batch, of each process."""
    accumulate: int = Field(1, ge=1)
    """Batches a step of the optimiser."""
    optimiser: Optimiser
    """The optimiser."""
    schedule: Schedule = Schedule()
    """Learning rate over the steps."""
    clip: float | None = Field(1.0, gt=0)
    """Largest norm of a step's gradient."""
    balance: float = Field(0, ge=0, le=1)
    """Images are drawn with the inverse frequency of their class to this power: 0 as they are, 1 all classes alike."""
    majority: float = Field(0, ge=0, le=1)
    """Share of the target that goes to the majority class; the votes are the rest."""
    label_smoothing: float = Field(0, ge=0, lt=1)
    """Share of the target that is spread over all classes."""
    augmentation: Augmentation = Augmentation()
    """Random changes of the images."""
    mix: Mix = Mix()
    """Mixes of two images."""
    distil: Distil | None = None
    """Teachers to learn from."""
    ema_decay: float = Field(0, ge=0, lt=1)
    """Decay of the moving average of the weights, a step. Unless it is 0, the average is validated and saved."""
    patience: int | None = Field(None, ge=1)
    """Stop after so many epochs without a better validation accuracy, and save the best epoch instead of the last."""

    @model_validator(mode="after")
    def _check_warmup(self) -> Self:
        if self.schedule.warmup_epochs >= self.epochs:
            warmup = self.schedule.warmup_epochs
            raise FieldError(messages.LONG_WARMUP(warmup=warmup, epochs=self.epochs))
        return self

    @property
    def epochs(self) -> int:
        """Epochs of all phases."""
        return sum(phase.epochs for phase in self.phases)

    @property
    def image_size(self) -> int:
        """Side in pixels that the finished network takes."""
        return self.phases[-1].image_size

    def image_size_at(self, epoch: int) -> int:
        """Return the image size of an epoch, counted from 0, in pixels."""
        for phase in self.phases:
            if epoch < phase.epochs:
                return phase.image_size
            epoch -= phase.epochs
        return self.image_size


class Recipe(_Part):
    """A whole recipe. Unknown fields are refused."""

    name: str
    """Names the run and its bundle; the bundle's id is this name and a hash of the weights."""
    root: Path = Path("data")
    """Folder from which the sources' paths start."""
    seed: int = 0
    """Of everything random."""
    precision: Precision = "auto"
    """auto: bf16 where the processor multiplies it in hardware, else none."""
    tracker: Literal["tensorboard", "wandb", "none"] = "tensorboard"
    """Receives the curves and confusion matrices."""
    workers: int = Field(2, ge=0)
    """Number of processes that decode images of corpora that do not fit into memory."""
    save_minutes: float = Field(10, gt=0)
    """Minutes after which the state is saved within an epoch; it is also saved after every epoch."""
    max_steps: int | None = Field(None, ge=1)
    """Ends every stage after so many steps, to try a recipe."""
    network: Network
    """The network to train."""
    stages: tuple[Stage, ...] = Field(min_length=1)
    """Stages in their order."""

    @property
    def image_size(self) -> int:
        """Side in pixels that the finished network takes."""
        return self.stages[-1].image_size


def resolve_stages(fields: dict[str, Any]) -> dict[str, Any]:
    """Move stage fields from the top into every stage that does not set them itself.

    Args:
        fields: Fields of a recipe, as read from YAML.

    Returns:
        The fields with `stages`.
    """
    shared = {key: value for key, value in fields.items() if key in Stage.model_fields}
    rest = {key: value for key, value in fields.items() if key not in shared}
    return rest | {"stages": [shared | stage for stage in fields.get("stages", [{}])]}


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe as YAML with all defaults filled in.

    Args:
        recipe: The recipe.
        path: The file to write.
    """
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False), encoding="utf-8")


def shipped_recipes() -> dict[str, Path]:
    """Return the paths of the recipes that come with the package, by name."""
    return {path.stem: path for path in sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml"))}


def find_recipe(text: str) -> Path:
    """Find a recipe's file.

    Args:
        text: Path of a YAML file, or the name of a recipe that comes with the package.

    Raises:
        SettingsError: There is no such file or recipe.
    """
    if Path(text).is_file():
        return Path(text)
    if text in shipped_recipes():
        return shipped_recipes()[text]
    raise SettingsError(messages.NO_RECIPE(text=text, recipes=tuple(shipped_recipes())))


def load_recipe(path: Path, overrides: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe and apply overrides.

    Args:
        path: YAML file.
        overrides: Each as `key=value`; keys may be dotted, values are YAML.

    Raises:
        SettingsError: The file is missing or not a recipe, or a field is wrong, which the message names.
    """
    if not path.is_file():
        raise SettingsError(messages.NO_RECIPE_FILE(path=str(path)))
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(messages.NOT_YAML(path=str(path), reason=str(error).splitlines()[0])) from None
    if not isinstance(fields, dict):
        raise SettingsError(messages.NOT_A_RECIPE(path=str(path)))
    for override in overrides:
        _apply_override(fields, override)
    try:
        return Recipe.model_validate(resolve_stages(fields))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "recipe"
        raise SettingsError(messages.BAD_FIELD(file=path.name, field=field, reason=field_message(first))) from None


def _apply_override(fields: dict[str, Any], override: str) -> None:
    """Set one dotted key; a number in it is an index of a list."""
    key, equals, value = override.partition("=")
    if not equals:
        raise SettingsError(messages.NOT_AN_OVERRIDE(override=override))
    *path, last = key.split(".")
    node: Any = fields
    try:
        for name in path:
            node = node[int(name)] if isinstance(node, list) else node.setdefault(name, {})
        node[int(last) if isinstance(node, list) else last] = yaml.safe_load(value)
    except (TypeError, ValueError, IndexError, AttributeError, yaml.YAMLError):
        raise SettingsError(messages.OVERRIDE_DOES_NOT_FIT(override=override, key=key)) from None
