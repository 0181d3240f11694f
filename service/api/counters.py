"""What this process counts since it began, for `/metrics`: requests, bytes of uploads, pictures. No ids, no persons."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REGISTRY = CollectorRegistry()
"""What is counted here, and nothing that other libraries count."""
REQUESTS = Histogram(
    "ferphq_request_seconds",
    "Time until an answer of the API for programs began.",
    ("method", "route", "status"),
    registry=REGISTRY,
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120),
)
UPLOADED = Counter("ferphq_upload_bytes", "Bytes of recordings that came in.", registry=REGISTRY)
PICTURES = Counter("ferphq_predictions", "Pictures that the model was asked about.", ("way",), registry=REGISTRY)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OTHER = "other"
"""The label of a path or method that there is not: what strangers make up becomes no label."""


class RequestCounter:
    """Counts the requests of an application, by the template of their route."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it when its answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin = time.monotonic()

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                method = scope["method"] if scope["method"] in METHODS else OTHER
                REQUESTS.labels(method, route_of(scope), message["status"]).observe(time.monotonic() - begin)
            await send(message)

        await self._app(scope, receive, watch)


def route_of(scope: Scope) -> str:
    """Return the template of the route that answered a request, such as `/v1/jobs/{job_id}`.

    Args:
        scope: The request's scope, after it was answered.
    """
    return str(getattr(scope.get("route"), "path", None) or OTHER)
