"""A small OpenID provider on this machine, which signs what a test tells it to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.embedded.ports import any_free_port

CLIENT = "greenlight"
SECRET = "a-secret-of-the-desk"
NEVER = object()
"""A claim to leave out."""


@dataclass
class TestProvider:
    """What it knows of the person at the browser: ``claims`` over those of a good ID token."""

    __test__ = False

    url: str
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first"}))
    published: KeySet | None = None
    claims: dict[str, Any] = field(default_factory=dict[str, Any])
    algorithm: str = "RS256"
    codes: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    now: int = 0
    """By the test's own clock."""

    def authorize(self, address: str) -> dict[str, str]:
        """What a person does there: the query with which their browser is sent back."""
        asked = {name: value[0] for name, value in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert asked["max_age"] == "0"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/keys", self._keys),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _metadata(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            }
        )

    async def _keys(self, _: Request) -> Response:
        keys = self.published or KeySet([self.key])
        return JSONResponse(keys.as_dict(private=False))

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        asked = self.codes.pop(str(form["code"]), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        challenge = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
        if (
            asked is None
            or request.headers.get("authorization") != f"Basic {basic}"
            or asked["redirect_uri"] != form["redirect_uri"]
            or asked["code_challenge"] != base64.urlsafe_b64encode(challenge).decode().rstrip("=")
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        claims = {
            "iss": self.url,
            "sub": "person-1",
            "aud": CLIENT,
            "iat": self.now,
            "exp": self.now + 300,
            "auth_time": self.now,
            "nonce": asked["nonce"],
            "email": "Approver_A@desk.test",
            "email_verified": True,
            **self.claims,
        }
        said = {name: value for name, value in claims.items() if value is not NEVER}
        header = {"alg": self.algorithm, "kid": self.key.kid}
        token = jwt.encode(header, said, self.key, algorithms=[self.algorithm])
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": token})


@contextmanager
def running_provider() -> Iterator[TestProvider]:
    """Served until the block ends."""
    port = any_free_port()
    provider = TestProvider(f"http://127.0.0.1:{port}")
    config = uvicorn.Config(provider.app(), host="127.0.0.1", port=port, log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive(), "the provider did not start"
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join(30)
