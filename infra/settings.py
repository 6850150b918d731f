"""Settings of every Greenlight process, read from the environment.

Sources, highest priority first: arguments (tests), ``GREENLIGHT_…`` environment variables, and
``<home>/run/env.json``. The last is written by ``greenlight up`` so that a command typed in another
terminal finds the running stack without exporting anything.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

ENV_PREFIX = "GREENLIGHT_"


def default_home() -> Path:
    """The data directory: ``GREENLIGHT_HOME``, else the user's data directory of this platform."""
    configured = os.environ.get(f"{ENV_PREFIX}HOME")
    home = Path(configured) if configured else platformdirs.user_data_path("greenlight")
    return home.expanduser().resolve()


def stack_file(home: Path) -> Path:
    """Where ``greenlight up`` records the addresses of the stack running on ``home``."""
    return home / "run" / "env.json"


class StackFileSource(PydanticBaseSettingsSource):
    """Addresses of the stack that ``greenlight up`` started on this data directory, if any."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        home = Path(self.current_state.get("home") or default_home())
        try:
            recorded = json.loads(stack_file(home).read_text("utf-8"))
        except FileNotFoundError:
            return {}
        known = self.settings_cls.model_fields
        return {
            field: value
            for name, value in recorded.items()
            if (field := name.removeprefix(ENV_PREFIX).lower()) in known
        }


class Settings(BaseSettings):
    """One immutable view of the configuration; build it once per process with `get_settings`."""

    # An empty variable is one that is not set: so a compose file can pass on what may be absent.
    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_ignore_empty=True, frozen=True, extra="ignore"
    )

    home: Path = Field(
        default_factory=default_home, description="Data directory of the embedded stack."
    )
    key_file: Path | None = Field(
        default=None,
        description="File of the keys that encrypt secrets at rest (one-time code secrets), newest "
        "first; `keys/secrets.key` in the data directory if not set, made at the first start.",
    )
    database_url: str = Field(
        default="postgresql+psycopg://postgres@127.0.0.1:5432/greenlight",
        description="SQLAlchemy URL of Postgres (psycopg 3 driver).",
    )
    database_owner_url: str | None = Field(
        default=None,
        description="URL that migrations run as, the owner of the tables; `database_url` if not "
        "set. The desk itself should work as the role `greenlight_app`, which cannot touch the "
        "audit trail.",
    )

    temporal_address: str = Field(
        default="127.0.0.1:7233", description="host:port of the Temporal frontend (gRPC)."
    )
    temporal_namespace: str = Field(default="default", description="Temporal namespace.")
    temporal_ui_url: str = Field(
        default="http://127.0.0.1:8233", description="Temporal Web, linked from the desk."
    )
    temporal_tls_cert_path: Path | None = Field(
        default=None, description="Client certificate (PEM) for mTLS to Temporal."
    )
    temporal_tls_key_path: Path | None = Field(
        default=None, description="Private key (PEM) of the client certificate."
    )
    temporal_tls_ca_path: Path | None = Field(
        default=None, description="Root CA (PEM) of a Temporal frontend with a private one."
    )
    temporal_tls_server_name: str | None = Field(
        default=None,
        description="Name that the frontend's certificate bears, where it is reached by another "
        "(PrivateLink, a tunnel).",
    )
    temporal_api_key: SecretStr | None = Field(
        default=None, description="API key for Temporal Cloud; implies TLS."
    )

    temporal_payload_key_file: Path | None = Field(
        default=None,
        description="File of the keys that encrypt what is sent to Temporal, newest first, the "
        "same for every process; nothing is encrypted if not set.",
    )

    workflow_cache: int = Field(
        default=1000,
        ge=0,
        description="Workflows that a core worker keeps in memory, at some 65 kB each; "
        "the others are replayed when something happens to them.",
    )

    gateway_host: str = Field(default="127.0.0.1", description="Host of the IB Gateway.")
    gateway_port: int = Field(default=4002, description="API socket port of the IB Gateway.")
    gateway_slug: str = Field(
        default="simulated", description="Name of the gateway that the embedded stack trades on."
    )

    api_host: str = Field(default="127.0.0.1", description="Address the desk listens on.")
    api_port: int = Field(default=8400, description="Port the desk listens on.")
    api_graceful_seconds: int = Field(
        default=5, ge=0, description="How long a stopping API waits for open requests."
    )
    session_cookie_secure: bool = Field(
        default=False, description="Send the session cookie over HTTPS only (set it behind TLS)."
    )

    oidc_issuer: str | None = Field(
        default=None,
        description="Issuer of the identity provider (OpenID Connect) that people may sign in by; "
        "none if not set.",
    )
    oidc_client_id: str | None = Field(
        default=None, description="As whom the desk is registered at the identity provider."
    )
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="Its secret there; none for a public client."
    )
    oidc_name: str = Field(
        default="your company's account", description="What the sign-in page calls the provider."
    )
    oidc_create_users: bool = Field(
        default=False,
        description="Make whoever the provider knows and the desk does not a user, without a role.",
    )

    metrics_host: str = Field(default="127.0.0.1", description="Address of the metrics.")
    metrics_port: int | None = Field(
        default=None,
        description="Port that a process serves its metrics to Prometheus on, and workers the "
        "Temporal SDK's on the next; none if not set.",
    )

    tracing_endpoint: str | None = Field(
        default=None,
        description="OTLP collector (`http://collector:4318`) that spans are sent to; nothing is "
        "traced if not set. Needs the extra `tracing`.",
    )

    history_dir: Path | None = Field(
        default=None,
        description="Folder of the recorded chains that the API may run backtests on; "
        "`history` in the data directory if not set.",
    )
    backup_dir: Path | None = Field(
        default=None,
        description="Folder of the backups; `backups` in the data directory if not set.",
    )
    backtest_processes: int | None = Field(
        default=None,
        ge=1,
        description="Backtests a worker computes at once; as many as cores if not set.",
    )

    desk_url: str | None = Field(
        default=None,
        description="Address that people open the desk at, for links in notifications; "
        "`http://<api_host>:<api_port>` if not set.",
    )
    notification_kinds: frozenset[str] = Field(
        default=frozenset(
            {
                "mailtos",
                "tgram",
                "slack",
                "discord",
                "msteams",
                "workflows",
                "ntfys",
                "pover",
                "gchat",
                "mmosts",
                "matrixs",
                "signals",
                "jsons",
            }
        ),
        description="Kinds of addresses (apprise schemes) that people may be notified at. "
        "Kinds without TLS (`mailto`, `json`) send in the clear.",
    )

    log_format: Literal["json", "console"] = Field(default="json", description="Log line format.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severe level that is logged."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, StackFileSource(settings_cls)

    @property
    def history(self) -> Path:
        """Where the recorded chains lie that backtests asked for over the API may read."""
        return self.history_dir or self.home / "history"

    @property
    def backups(self) -> Path:
        """Where backups are kept, each in a folder of its own."""
        return self.backup_dir or self.home / "backups"

    @property
    def public_url(self) -> str:
        """Where people find the desk."""
        return (self.desk_url or f"http://{self.api_host}:{self.api_port}").rstrip("/")

    @property
    def secrets_key_file(self) -> Path:
        """Where the keys lie that encrypt secrets at rest."""
        return self.key_file or self.home / "keys" / "secrets.key"

    @property
    def temporal_uses_tls(self) -> bool:
        """Whether the connection to Temporal is encrypted (certificate, private CA or API key)."""
        return any((self.temporal_tls_cert_path, self.temporal_tls_ca_path, self.temporal_api_key))


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
