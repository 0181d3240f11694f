"""A login with a provider, from the button to the way back: what is sent, and what must come back with it.

What is remembered meanwhile lies signed in a cookie of the browser that began, so that an answer made for one browser
opens nothing in another.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from itsdangerous import BadData, URLSafeTimedSerializer

from service.access import messages
from service.access.openid.identity import Identity, IdentityError
from service.access.openid.provider import Provider

COOKIE = "ferphq_provider"
"""Name of the cookie that remembers a login that was begun."""
LASTS_S = 600
"""Seconds within which a login that was begun must come back."""
MAX_TARGET = 1000
"""Characters of the longest path that a login leads to; a longer one leads to the first page."""
MAX_CODE = 4096
_ERROR_CODE = re.compile(r"[a-z_]{1,40}")
_SCOPES = {"email": "openid email", "sub": "openid"}


class ForgedError(IdentityError):
    """An answer of the provider is of no login that this browser began."""


@dataclass(frozen=True)
class Attempt:
    """A login that was begun.

    Attributes:
        state: What the provider must send back with its answer.
        nonce: What its token must hold.
        verifier: The text whose hash it was sent (PKCE).
        redirect_uri: Where it leads back to.
        target: The page that the login leads to.
    """

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    target: str


class Flow:
    """Begins logins and takes them back."""

    def __init__(self, provider: Provider, key: bytes) -> None:
        """Take the provider.

        Args:
            provider: The provider.
            key: The installation's key, which signs what is remembered.
        """
        self._provider = provider
        self._serializer = URLSafeTimedSerializer(key, salt="login with a provider")

    def begin(self, *, redirect_uri: str, target: str) -> tuple[str, str]:
        """Begin a login.

        Args:
            redirect_uri: Where the provider leads back to, an address of this installation.
            target: The page that the login leads to.

        Returns:
            Where to send the person, and the value of the cookie.

        Raises:
            IdentityError: The provider does not answer.
        """
        attempt = Attempt(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            redirect_uri=redirect_uri,
            target=target if len(target) <= MAX_TARGET else "/",
        )
        address = self._provider.endpoints().authorization
        mark = "&" if "?" in address else "?"
        return f"{address}{mark}{urlencode(self._question(attempt))}", str(self._serializer.dumps(asdict(attempt)))

    def take_back(self, cookie: str, answer: Mapping[str, str]) -> Attempt:
        """Return the login that an answer of the provider is of.

        Args:
            cookie: The value of the browser's cookie; '' without one.
            answer: The fields of the answer.

        Raises:
            ForgedError: This browser began no such login, or too long ago.
        """
        try:
            attempt = Attempt(**self._serializer.loads(cookie, max_age=LASTS_S))
        except (BadData, TypeError) as error:
            raise ForgedError(messages.LOGIN_OVER(), "state") from error
        if not secrets.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
            raise ForgedError(messages.LOGIN_OVER(), "state")
        return attempt

    def finish(self, attempt: Attempt, answer: Mapping[str, str]) -> Identity:
        """Return the person who logged in.

        Args:
            attempt: The login.
            answer: The fields of the provider's answer to it.

        Raises:
            IdentityError: The provider refused, does not answer, or its token must not be believed.
        """
        issuer = self._provider.registration.issuer
        if answer.get("iss", issuer) != issuer:  # RFC 9207: an answer of another provider
            raise IdentityError(messages.PROVIDER_ANSWER(), "issuer")
        code = answer.get("code", "")
        if "error" in answer or not 0 < len(code) <= MAX_CODE:
            word = answer.get("error", "")
            reason = word if _ERROR_CODE.fullmatch(word) else "no code"
            raise IdentityError(messages.PROVIDER_REFUSED(), reason)
        return self._provider.redeem(
            code, verifier=attempt.verifier, redirect_uri=attempt.redirect_uri, nonce=attempt.nonce
        )

    def _question(self, attempt: Attempt) -> dict[str, str]:
        registration = self._provider.registration
        challenge = hashlib.sha256(attempt.verifier.encode()).digest()
        question = {
            "response_type": "code",
            "client_id": registration.client_id,
            "redirect_uri": attempt.redirect_uri,
            "scope": _SCOPES.get(registration.claim, "openid profile"),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "max_age": str(registration.max_age_s),
        }
        if registration.acr:
            question["acr_values"] = " ".join(registration.acr)
        return question
