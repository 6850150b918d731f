"""Signing in by an identity provider: OpenID Connect, authorization code with PKCE.

The provider is found by its issuer's address (OpenID Connect Discovery 1.0). What it says of a
person is believed once the ID token's signature, issuer, audience, times and nonce are right
(OpenID Connect Core 1.0, 3.1.3.7).
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx2
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

from domain.errors import ErrorCode, GreenlightError

log = structlog.stdlib.get_logger(__name__)

_SCOPE = "openid email profile"
_SECONDS = 10.0
_KEPT = timedelta(hours=1)
_LEEWAY_SECONDS = 60
# By public keys alone: one that the desk could compute as well proves nothing.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
# Of the methods of RFC 8176 those that take more than a password.
_SECOND_FACTORS = frozenset({"mfa", "otp", "hwk", "swk", "sc", "pop", "fpt", "face", "sms"})


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """Where the provider is, and as whom the desk asks it."""

    issuer: str
    client_id: str
    client_secret: SecretStr | None
    redirect_uri: str


class Started(BaseModel):
    """What a sign-in under way is recognised by when the browser comes back."""

    state: str
    nonce: str
    verifier: str
    return_to: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider vouches for."""

    issuer: str
    subject: str
    email: str | None
    """Only where the provider has verified it; in lower case."""
    name: str
    authenticated_at: datetime | None
    """When they last proved themselves there; None where it does not say."""
    by_second_factor: bool


class _Metadata(BaseModel):
    """What a provider says of itself, as far as it is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class IdentityProvider:
    """One provider. What it says of itself and its keys are remembered for an hour."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._known: tuple[datetime, _Metadata, KeySet] | None = None

    async def start(self, now: datetime, return_to: str) -> tuple[str, Started]:
        """Where to send the browser, and what to keep for when it comes back.

        Raises GreenlightError SIGN_IN_UNAVAILABLE while the provider cannot be reached.
        """
        metadata, _ = await self._provider(now)
        started = Started(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            return_to=return_to,
        )
        async with self._client() as client:
            address, _ = cast(
                "tuple[str, str]",
                client.create_authorization_url(
                    metadata.authorization_endpoint,
                    state=started.state,
                    code_verifier=started.verifier,
                    nonce=started.nonce,
                    # A session at the provider may be days old: each sign-in here is a proof.
                    max_age="0",
                ),
            )
        return address, started

    async def identity(self, code: str, started: Started, now: datetime) -> Identity:
        """Whom the provider means by ``code``.

        Raises GreenlightError SIGN_IN_REFUSED for what is not as it must be, and
        SIGN_IN_UNAVAILABLE.
        """
        metadata, keys = await self._provider(now)
        answer = await self._exchanged(metadata, code, started)
        token = _decoded(answer, keys)
        if token is None:
            # Signed by a key that was not there an hour ago.
            self._known = None
            _, keys = await self._provider(now)
            token = _decoded(answer, keys)
        if token is None:
            raise _refused("the ID token names a key that the provider does not publish")
        return self._checked(token, answer, started, now)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AsyncOAuth2Client]:
        secret = self._settings.client_secret
        async with AsyncOAuth2Client(
            client_id=self._settings.client_id,
            client_secret=None if secret is None else secret.get_secret_value(),
            token_endpoint_auth_method="none" if secret is None else "client_secret_basic",
            scope=_SCOPE,
            redirect_uri=self._settings.redirect_uri,
            code_challenge_method="S256",
            timeout=_SECONDS,
            follow_redirects=False,
        ) as client:
            yield client

    async def _provider(self, now: datetime) -> tuple[_Metadata, KeySet]:
        if self._known is None or now - self._known[0] > _KEPT:
            self._known = (now, *await self._discovered())
        return self._known[1], self._known[2]

    async def _discovered(self) -> tuple[_Metadata, KeySet]:
        issuer = self._settings.issuer
        address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            async with httpx2.AsyncClient(timeout=_SECONDS) as client:
                answer = (await client.get(address)).raise_for_status()
                metadata = _Metadata.model_validate_json(answer.content)
                if metadata.issuer != issuer:
                    raise _unavailable(f"{address} speaks for {metadata.issuer}")
                keys = (await client.get(metadata.jwks_uri)).raise_for_status()
                return metadata, KeySet.import_key_set(keys.json())
        except (httpx2.HTTPError, ValueError, JoseError) as error:
            raise _unavailable(f"{address}: {error}") from error

    async def _exchanged(self, metadata: _Metadata, code: str, started: Started) -> dict[str, Any]:
        async with self._client() as client:
            try:
                return await client.fetch_token(
                    metadata.token_endpoint, code=code, code_verifier=started.verifier
                )
            except AuthlibBaseError as error:
                raise _refused(f"the code is not accepted: {error}") from error
            except (httpx2.HTTPError, ValueError) as error:
                raise _unavailable(f"{metadata.token_endpoint}: {error}") from error

    def _checked(
        self, token: jwt.Token, answer: dict[str, Any], started: Started, now: datetime
    ) -> Identity:
        settings = self._settings
        claims = CodeIDToken(
            token.claims,
            token.header,
            options={
                "iss": {"essential": True, "value": settings.issuer},
                "aud": {"essential": True, "value": settings.client_id},
            },
            params={
                "nonce": started.nonce,
                "client_id": settings.client_id,
                "access_token": answer.get("access_token"),
            },
        )
        try:
            claims.validate(now=int(now.timestamp()), leeway=_LEEWAY_SECONDS)
            return _identity(claims)
        except (JoseError, ValidationError) as error:
            raise _refused(f"the ID token is not good: {error}") from error


def _decoded(answer: dict[str, Any], keys: KeySet) -> jwt.Token | None:
    """The ID token, its signature verified; None where ``keys`` hold none of that name."""
    try:
        return jwt.decode(str(answer.get("id_token", "")), keys, algorithms=_ALGORITHMS)
    except InvalidKeyIdError:
        return None
    except (JoseError, ValueError) as error:
        raise _refused(f"the ID token cannot be read: {error}") from error


class _Claims(BaseModel):
    sub: str
    email: str | None = None
    email_verified: bool = False
    name: str | None = None
    auth_time: int | None = None
    amr: list[str] = []


def _identity(claims: CodeIDToken) -> Identity:
    said = TypeAdapter(_Claims).validate_python(dict(claims))
    email = said.email.strip().lower() if said.email and said.email_verified else None
    proved = None if said.auth_time is None else datetime.fromtimestamp(said.auth_time, UTC)
    return Identity(
        issuer=str(claims["iss"]),
        subject=said.sub,
        email=email,
        name=said.name or email or said.sub,
        authenticated_at=proved,
        by_second_factor=not _SECOND_FACTORS.isdisjoint(said.amr),
    )


def _refused(why: str) -> GreenlightError:
    log.warning("oidc.refused", reason=why)
    return GreenlightError(ErrorCode.SIGN_IN_REFUSED, "the identity provider's answer is not good")


def _unavailable(why: str) -> GreenlightError:
    log.warning("oidc.unavailable", reason=why)
    return GreenlightError(ErrorCode.SIGN_IN_UNAVAILABLE, "the identity provider does not answer")
