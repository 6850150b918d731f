"""Encrypting what workflows are told and tell, before it reaches the Temporal server.

With a key set, inputs, results, signals, summaries and failures leave the desk as AES-256-GCM;
search attributes do not, for the server must index them. What was written without a key, or under
an older one of the file, is still read.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
)

from infra.keys import read_keys

ENCODING = b"binary/encrypted"
_KEY_ID = "encryption-key-id"
_NONCE_BYTES = 12


class UnreadablePayloadError(Exception):
    """A payload under a key that is not in the key file, or one that was altered."""


class EncryptionCodec(PayloadCodec):
    """Encrypts under the first key, decrypts under whichever key a payload names."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """``keys``: newest first, each 32 bytes in URL-safe base64."""
        raw = [base64.urlsafe_b64decode(key) for key in keys]
        self._ciphers = {_id_of(key): AESGCM(key) for key in raw}
        self._newest = _id_of(raw[0])

    @classmethod
    def from_file(cls, path: Path) -> EncryptionCodec:
        """The codec of a key file. Raises KeyFileError, see ``infra.keys``."""
        return cls(read_keys(path))

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._encrypted(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._decrypted(payload) for payload in payloads]

    def _encrypted(self, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(
            nonce, payload.SerializeToString(), self._newest
        )
        return Payload(metadata={"encoding": ENCODING, _KEY_ID: self._newest}, data=nonce + sealed)

    def _decrypted(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        key_id = payload.metadata.get(_KEY_ID, b"")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnreadablePayloadError(f"no key {key_id.decode()} in the key file")
        nonce, sealed = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        try:
            return Payload.FromString(cipher.decrypt(nonce, sealed, key_id))
        except InvalidTag as error:
            raise UnreadablePayloadError("the payload was altered") from error


def data_converter(key_file: Path | None) -> DataConverter:
    """Pydantic on the wire, encrypted where there is a key file."""
    if key_file is None:
        return pydantic_data_converter
    return replace(
        pydantic_data_converter,
        payload_codec=EncryptionCodec.from_file(key_file),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


def _id_of(key: bytes) -> bytes:
    return hashlib.sha256(key).hexdigest()[:16].encode()
