"""`POST /v1/predict`: faces and emotions of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import HTTPConnection, Request

from fer_phq.core.emotions import EMOTIONS
from fer_phq.pictures import PictureError
from service.access.guard import PREDICT_PATH
from service.api import messages
from service.api.counters import PICTURES
from service.api.v1.answers import schemas as shared
from service.api.v1.answers.openapi import problems
from service.api.v1.answers.problems import RequestError, Sentences
from service.api.v1.pictures import schemas
from service.api.v1.pictures.bodies import FIELD, MAX_PICTURES, read_contents
from service.api.v1.pictures.predictor import PictureFaces, Predictor

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {
                        FIELD: {
                            "type": "array",
                            "items": {"type": "string", "contentMediaType": "application/octet-stream"},
                            "minItems": 1,
                            "maxItems": MAX_PICTURES,
                            "description": "A picture's file (JPEG, PNG, WebP, BMP, TIFF, GIF); the field may repeat.",
                        }
                    },
                }
            },
            "application/json": {"schema": schemas.Images.model_json_schema()},
        },
    }
}


def predict_routes(predictor: Predictor, sentences: Sentences) -> APIRouter:
    """Return the route.

    Args:
        predictor: Computes.
        sentences: Writes messages.
    """
    router = APIRouter(tags=["predict"])

    @router.post(
        PREDICT_PATH,
        response_model=schemas.Prediction,
        response_model_exclude_none=True,
        openapi_extra=BODY,
        responses=problems(400, 401, 403, 408, 413, 415, 422, 503),
        summary="Find the faces of pictures and the expressions that the model reads in them.",
    )
    async def predict(request: Request) -> schemas.Prediction:
        """Nothing is stored. A picture that cannot be read does not lose the others: its result holds the problem.

        An expression is not a feeling, and what a model reads in a single picture is no diagnosis.
        """
        with predictor.slot():
            contents = await read_contents(request)
            PICTURES.labels("request").inc(len(contents))
            model_id, results = await predictor.predict_aside([c or b"" for c in contents])
        problems_by_index = {index: PictureError(messages.NO_BASE64()) for index, c in enumerate(contents) if c is None}
        outcomes = [problems_by_index.get(index, result) for index, result in enumerate(results)]
        return _prediction(request, sentences, model_id, outcomes)

    return router


def _prediction(
    request: Request, sentences: Sentences, model_id: str, outcomes: Sequence[PictureFaces | PictureError]
) -> schemas.Prediction:
    """Write the answer. Raises RequestError where the only picture cannot be read."""
    if len(outcomes) == 1 and isinstance(outcomes[0], PictureError):
        raise RequestError(outcomes[0].message, 422)
    results = [picture_result(request, sentences, index, model_id, outcome) for index, outcome in enumerate(outcomes)]
    faces_of_single = results[0].faces if len(results) == 1 else None
    return schemas.Prediction(model_id=model_id, results=results, faces=faces_of_single)


def picture_result(
    request: HTTPConnection,
    sentences: Sentences,
    index: int,
    model_id: str,
    outcome: PictureFaces | PictureError,
) -> schemas.PictureResult:
    """Return a picture's faces, or its problem, as a program reads it.

    Args:
        request: Its `Accept-Language` chooses the language.
        sentences: Writes messages.
        index: The picture's place among those that were sent.
        model_id: The model.
        outcome: The faces, or why the picture cannot be read.
    """
    if isinstance(outcome, PictureError):
        problem = shared.Problem(**sentences.problem(request, outcome.message, 422))
        return schemas.PictureResult(index=index, model_id=model_id, notes=[], problem=problem)
    return schemas.PictureResult(
        index=index,
        model_id=model_id,
        width=outcome.width,
        height=outcome.height,
        faces=[_face(request, sentences, face) for face in outcome.faces],
        notes=[sentences.note(request, note) for note in outcome.notes],
    )


def _face(request: HTTPConnection, sentences: Sentences, face: Any) -> schemas.Face:
    x0, y0, x1, y1 = (float(value) for value in face.box)
    emotions = {name: float(value) for name, value in zip(EMOTIONS, face.emotions, strict=True)}
    score = float(face.detection_score)
    return schemas.Face(
        box=(x0, y0, x1, y1),
        score=score,
        quality=float(face.quality),
        emotions=emotions,
        gaps=[sentences.note(request, gap) for gap in face.geometry.gaps],
        **face.geometry.as_dict(),
    )
