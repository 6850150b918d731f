"""A Temporal frontend as clusters and Temporal Cloud show it: by TLS, to those it knows.

The dev server speaks no TLS; the proxy that development installs speaks it before the server: at
one port to holders of a certificate of its authority, at another to whoever brings the API key.
"""

from __future__ import annotations

import socket
import ssl
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.embedded.ports import LOOPBACK, any_free_port
from infra.embedded.processes import tethered
from tests.desk import wait_until
from tests.integration.caddy import program

API_KEY = "the-key-of-the-namespace"
NAMED = "frontend.temporal.example"
"""Beside localhost, what the frontend's certificate bears."""
READY_SECONDS = 30.0
_FILE = """
{{
    admin off
    auto_https off
    persist_config off
    skip_install_trust
}}
https://localhost:{mtls} {{
    bind {loopback}
    tls {folder}/frontend.pem {folder}/frontend.key {{
        client_auth {{
            mode require_and_verify
            trust_pool file {folder}/authority.pem
        }}
    }}
    reverse_proxy h2c://{temporal}
}}
https://:{cloud} {{
    bind {loopback}
    tls {folder}/frontend.pem {folder}/frontend.key
    @known header Authorization "Bearer {key}"
    handle @known {{
        reverse_proxy h2c://{temporal}
    }}
    respond 401
}}
"""


@dataclass
class Certificate:
    """A certificate with its key, as PEM files."""

    cert: Path
    key: Path
    signed: x509.Certificate
    private: ec.EllipticCurvePrivateKey


def certificate(
    folder: Path, name: str, issuer: Certificate | None = None, days: float = 1.0
) -> Certificate:
    """``NAME.pem`` and ``NAME.key``; one without an issuer is an authority."""
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.DNSName(NAMED)])
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.signed.subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(names, critical=False)
        .sign(private if issuer is None else issuer.private, hashes.SHA256())
    )
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key", signed, private)
    made.cert.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made


@dataclass
class TemporalOverTls:
    """Use as a context manager: the frontend before the server at this address."""

    folder: Path
    temporal: str
    mtls_port: int = field(default_factory=any_free_port)
    cloud_port: int = field(default_factory=any_free_port)

    def __enter__(self) -> TemporalOverTls:
        self.authority = certificate(self.folder, "authority")
        certificate(self.folder, "frontend", self.authority)
        self.desk = certificate(self.folder, "desk", self.authority)
        self.stranger = certificate(
            self.folder, "stranger", certificate(self.folder, "other-authority")
        )
        config = self.folder / "Caddyfile"
        config.write_text(
            _FILE.format(
                mtls=self.mtls_port,
                cloud=self.cloud_port,
                loopback=LOOPBACK,
                folder=self.folder,
                temporal=self.temporal,
                key=API_KEY,
            ),
            "utf-8",
        )
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                tethered([program(), "run", "--config", str(config)]),
                env={
                    "PATH": "/usr/bin:/bin",
                    "XDG_DATA_HOME": str(self.folder / "data"),
                    "XDG_CONFIG_HOME": str(self.folder / "config"),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._is_serving, READY_SECONDS, "the frontend takes connections by TLS")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def _is_serving(self) -> bool:
        assert self._process.poll() is None, (self.folder / "log").read_text("utf-8", "replace")
        trust = ssl.create_default_context(cafile=str(self.authority.cert))
        try:
            for port in (self.mtls_port, self.cloud_port):
                with (
                    socket.create_connection((LOOPBACK, port), timeout=5) as line,
                    trust.wrap_socket(line, server_hostname="localhost"),
                ):
                    pass
        except OSError:
            return False
        return True

    @property
    def by_certificate(self) -> str:
        """Where a client certificate is asked for."""
        return f"localhost:{self.mtls_port}"

    @property
    def by_api_key(self) -> str:
        """Where the API key is asked for."""
        return f"localhost:{self.cloud_port}"
