"""ID tokens: what a provider says of a person, with everything that must be checked before it is believed.

The rules are those of OpenID Connect Core 1.0, section 3.1.3.7. PyJWT checks signature, issuer, audience and times.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

import jwt
from jwt.types import Options

from service.access import messages
from service.access.openid.identity import MAX_ENTRY, Identity, IdentityError, entry_of
from service.access.openid.registration import Registration

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that are believed: by a key of which the provider alone has the private half. No `none`, no `HS256`."""
NEEDED = ("iss", "sub", "aud", "exp", "iat", "nonce")
LEEWAY_S = 60
"""Seconds by which the provider's clock and this one may differ."""
MAX_SUBJECT = 255
"""Characters of the longest subject (OpenID Connect Core 1.0, section 2)."""
OPTIONS: Options = {"require": list(NEEDED), "enforce_minimum_key_length": True}


def key_id(token: str) -> str | None:
    """Return which key signed a token, as the token says; None where it does not.

    Args:
        token: The ID token.

    Raises:
        IdentityError: It is no token, or its signature is of a kind that nobody believes.
    """
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, RecursionError) as error:
        raise _refusal("token") from error
    if header.get("alg") not in ALGORITHMS:
        raise _refusal("algorithm")
    return header.get("kid")


def read_token(token: str, keys: Sequence[Mapping[str, Any]], registration: Registration, nonce: str) -> Identity:
    """Return the person that an ID token is about.

    Args:
        token: The ID token.
        keys: The provider's keys by which it may be signed.
        registration: This installation as a client of the provider.
        nonce: What this installation sent along with the question.

    Raises:
        IdentityError: The token must not be believed, or the person is not made sure of as the installation wants.
    """
    claims = _verified(token, keys, registration)
    if not secrets.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise _refusal("nonce")
    audience = claims["aud"]
    party = claims.get("azp", None if isinstance(audience, list) and len(audience) > 1 else registration.client_id)
    if party != registration.client_id:
        raise _refusal("audience")
    subject = claims["sub"]
    if not 0 < len(subject) <= MAX_SUBJECT:
        raise _refusal("subject")
    _check_factors(claims, registration)
    _check_age(claims, registration)
    return Identity(registration.issuer, subject, _entry(claims, registration.claim))


def _verified(token: str, keys: Sequence[Mapping[str, Any]], registration: Registration) -> dict[str, Any]:
    """Return the claims of a token that one of the keys signed, for this installation, and that is not over."""
    algorithm = str(jwt.get_unverified_header(token)["alg"])
    reason = "key"
    for key in keys:
        try:
            if key.get("alg", algorithm) != algorithm:
                raise jwt.InvalidKeyError
            return jwt.decode(
                token,
                jwt.PyJWK(dict(key), algorithm),
                algorithms=ALGORITHMS,
                audience=registration.client_id,
                issuer=registration.issuer,
                leeway=LEEWAY_S,
                options=OPTIONS,
            )
        except jwt.InvalidAudienceError:
            reason = "audience"
        except jwt.InvalidIssuerError:
            reason = "issuer"
        except jwt.ExpiredSignatureError:
            reason = "expired"
        except jwt.InvalidSignatureError:
            reason = "signature"
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            reason = "token"
    raise _refusal(reason)


def _check_factors(claims: Mapping[str, Any], registration: Registration) -> None:
    """Refuse a person of whom the provider did not make sure as the installation wants."""
    methods = claims.get("amr")
    methods = methods if isinstance(methods, list) else []
    if registration.acr and claims.get("acr") not in registration.acr:
        raise IdentityError(messages.SECOND_FACTOR(), "second factor")
    if registration.amr and not any(method in methods for method in registration.amr):
        raise IdentityError(messages.SECOND_FACTOR(), "second factor")


def _check_age(claims: Mapping[str, Any], registration: Registration) -> None:
    """Refuse a person of whom the provider made sure too long ago."""
    at = claims.get("auth_time")
    if at is None and not registration.must_tell_age:
        return
    age = time.time() - at if isinstance(at, int | float) and not isinstance(at, bool) else float("inf")
    if not age <= registration.max_age_s + LEEWAY_S:
        raise IdentityError(messages.PROVIDER_AGE(), "authentication time")


def _entry(claims: Mapping[str, Any], claim: str) -> str | None:
    value = claims.get(claim)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ENTRY:
        return None
    if claim == "email" and claims.get("email_verified") is not True:
        return None
    return entry_of(claim, value) or None


def _refusal(reason: str) -> IdentityError:
    return IdentityError(messages.PROVIDER_ANSWER(), reason)
