"""`/v1/models`: the checkpoint bundles on this machine, and on what labels their heads were trained."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from fer_phq.core.errors import ModelError
from fer_phq.core.phq import Modality, Provenance, Scale
from fer_phq.models.checkpoint import SHIPPED, Bundle, PhqConfig, list_bundles
from service.api import messages
from service.api.v1.answers.archive import Archive
from service.api.v1.answers.conditions import answer_model
from service.api.v1.answers.openapi import IF_NONE_MATCH, UNCHANGED, extra, problems
from service.api.v1.answers.schemas import Note
from service.models.active_model import active_bundle

MODELS = "/v1/models"


class PhqHeads(BaseModel):
    """The PHQ heads of a model."""

    scale: Scale = Field(description="The questionnaire whose score they estimate.")
    provenance: Provenance = Field(
        description="What kind of labels trained them; with simulated ones an estimate says nothing of anybody."
    )
    interval_level: float = Field(description="Share of new people whose score the interval is meant to hold, 0 to 1.")
    modalities: list[list[Modality]] = Field(description="Of each head, in the order in which they are asked.")
    training: Note = Field(description="On what they were trained.")
    notes: list[Note] = Field(description="What a person must read beside their estimates.")


class ModelItem(BaseModel):
    """A model: a checkpoint bundle."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model_id": "fer-vit-convstem-1572f8bb",
                    "name": "fer-vit-convstem",
                    "is_active": True,
                    "is_shipped": True,
                    "emotions": ["anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"],
                    "phq": None,
                }
            ]
        }
    )

    model_id: str = Field(description="Its name and a short hash of its weights.")
    name: str
    is_active: bool = Field(description="Whether new analyses are made with it.")
    is_shipped: bool = Field(description="Whether it comes with fer-phq.")
    emotions: list[str] = Field(description="The classes of its emotion head.")
    phq: PhqHeads | None = Field(description="Its PHQ heads; null where it gives no estimates.")


class Models(BaseModel):
    """The models."""

    items: list[ModelItem]
    next: str | None = Field(None, description="Always null: there are no more.")
    notes: list[Note] = Field(description="Why no model is active, where none can be used.")


def model_routes(archive: Archive) -> APIRouter:
    """Return the route.

    Args:
        archive: The installation and its store.
    """
    router = APIRouter(tags=["models"])
    router.get(
        MODELS,
        response_model=Models,
        responses={**UNCHANGED, **problems(401, 403, 503)},
        openapi_extra=extra(IF_NONE_MATCH),
        summary="The models on this machine, and which one is active.",
    )(_Models(archive).list_all)
    return router


class _Models:
    """The handler."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def list_all(self, request: Request) -> Response:
        """Each analysis keeps the model that made it. A model that cannot be read is not listed."""
        notes = []
        active = None
        try:
            active = await self._archive.ask(active_bundle, settings=self._archive.settings, store=self._archive.store)
        except ModelError:  # its sentence may name folders of the server
            notes.append(self._archive.sentences.note(request, messages.MODEL_UNUSABLE()))
        bundles = await self._archive.ask(list_bundles)
        if active is not None and all(bundle.path.resolve() != active.path.resolve() for bundle in bundles):
            bundles = [active, *bundles]  # FERPHQ_MODEL may name a folder anywhere
        items = [self._item(request, bundle, active) for bundle in bundles]
        return answer_model(request, Models(items=items, next=None, notes=notes))

    def _item(self, request: Request, bundle: Bundle, active: Bundle | None) -> ModelItem:
        phq = bundle.config.phq
        return ModelItem(
            model_id=bundle.model_id,
            name=bundle.config.name,
            is_active=active is not None and bundle.path.resolve() == active.path.resolve(),
            is_shipped=bundle.path.resolve() == SHIPPED.resolve(),
            emotions=list(bundle.config.classes),
            phq=None if phq is None else self._heads(request, phq),
        )

    def _heads(self, request: Request, phq: PhqConfig) -> PhqHeads:
        note = self._archive.sentences.note
        is_simulated = phq.provenance is Provenance.SIMULATED
        return PhqHeads(
            scale=phq.scale,
            provenance=phq.provenance,
            interval_level=phq.interval_level,
            modalities=[list(modalities) for modalities in phq.modalities],
            training=note(request, phq.training),
            notes=[note(request, messages.SIMULATED_MODEL())] if is_simulated else [],
        )
