"""A small provider of identities (OpenID Connect) that runs on loopback, with keys of its own.

What it says, and how it signs, can be changed: an attack is a change.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from served import free_port
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT = "fer-phq"
CLIENT_SECRET = "a secret of/the client"
DELETED = "(left out)"
"""In place of a claim's value: the claim is left out."""


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class OpenIdProvider:
    """The provider. `claims` comes on top of what its token says; `reset` takes every change back."""

    def __init__(self, host: str, port: int) -> None:
        self.issuer = f"http://{host}:{port}/realm"
        self.key = new_key()
        self.stranger = new_key()
        self.reset()

    def reset(self) -> None:
        self.claims: dict[str, Any] = {}
        self.algorithm = "RS256"
        self.signs_with: Any = self.key
        self.key_name = "first"
        self.document: dict[str, Any] = {}
        self.broken = False
        self.asks = False
        """Whether a person presses a button on its page, as in a browser, or is sent back at once."""
        self.codes: dict[str, dict[str, str]] = {}
        self.questions: list[dict[str, str]] = []
        self.redirects: set[str] = set()
        """Where it may lead back to."""

    # ------------------------------------------------------------------------------------------------- its routes

    def app(self) -> Starlette:
        routes = [
            Route("/realm/.well-known/openid-configuration", self.configuration),
            Route("/realm/keys", self.keys),
            Route("/realm/elsewhere", lambda _: RedirectResponse(f"{self.issuer}/keys")),
            Route("/realm/authorize", self.authorize, methods=["GET", "POST"]),
            Route("/realm/token", self.token, methods=["POST"]),
        ]
        return Starlette(routes=routes)

    async def configuration(self, request: Request) -> Response:
        if self.broken:
            return Response("<html>", 200)
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return JSONResponse(document | self.document)

    async def keys(self, request: Request) -> Response:
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return JSONResponse(
            {
                "keys": [
                    {
                        **key,
                        "kid": self.key_name if self.signs_with is self.key else "first",
                        "use": "sig",
                        "alg": "RS256",
                    }
                ]
            }
        )

    async def authorize(self, request: Request) -> Response:
        question = dict(request.query_params)
        if question["client_id"] != CLIENT or question["redirect_uri"] not in self.redirects:
            return Response("unknown client or address", 400)
        assert (question["response_type"], question["code_challenge_method"]) == ("code", "S256")
        if self.asks and request.method == "GET":
            address = escape(f"{request.url.path}?{request.url.query}")
            return HTMLResponse(f"<form method=post action='{address}'><button>Sign in</button></form>")
        self.questions.append(question)
        code = secrets.token_urlsafe(16)
        self.codes[code] = question
        return RedirectResponse(
            f"{question['redirect_uri']}?{urlencode({'code': code, 'state': question['state']})}", 302
        )

    async def token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        scheme, _, pair = request.headers.get("authorization", "").partition(" ")
        client = tuple(unquote(part) for part in base64.b64decode(pair).decode().split(":"))
        question = self.codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if (
            question is None
            or (scheme, client) != ("Basic", (CLIENT, CLIENT_SECRET))
            or form["redirect_uri"] != question["redirect_uri"]
            or challenge.decode() != question["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": self.sign(question)})

    def sign(self, question: dict[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "person-1",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": question["nonce"],
            "email": "Dr.M@Clinic.example",
            "email_verified": True,
        } | self.claims
        claims = {name: value for name, value in claims.items() if value != DELETED}
        return jwt.encode(claims, self.signs_with, self.algorithm, {"kid": self.key_name})


@contextmanager
def running_provider(host: str = "127.0.0.1") -> Iterator[OpenIdProvider]:
    """The provider, once it answers, under a loopback name."""
    port = free_port()
    provider = OpenIdProvider(host, port)
    server = uvicorn.Server(uvicorn.Config(provider.app(), port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield provider
    server.should_exit = True
    thread.join()


def visit(address: str) -> str:
    """Ask the provider as a browser does, and return where it leads."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    location = connection.getresponse().headers["location"]
    connection.close()
    return str(location)


def fields(address: str) -> dict[str, str]:
    """The fields of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
