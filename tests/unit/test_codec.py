"""What is sent to Temporal, encrypted."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from temporalio.api.common.v1 import Payload

from infra.temporal.codec import EncryptionCodec, UnreadablePayloadError

OLD, NEW = Fernet.generate_key(), Fernet.generate_key()
PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=b'{"limit_price":"4.15"}')


async def test_a_payload_comes_back_and_shows_nothing_of_itself_on_the_way():
    codec = EncryptionCodec([NEW])
    (sealed,) = await codec.encode([PLAIN])
    assert b"4.15" not in sealed.SerializeToString()
    assert b"json/plain" not in sealed.SerializeToString()
    assert await codec.decode([sealed]) == [PLAIN]


async def test_the_same_payload_never_looks_the_same():
    first, second = await EncryptionCodec([NEW]).encode([PLAIN, PLAIN])
    assert first.data != second.data


async def test_after_a_rotation_the_old_key_still_reads_and_the_new_one_writes():
    (before,) = await EncryptionCodec([OLD]).encode([PLAIN])
    rotated = EncryptionCodec([NEW, OLD])
    assert await rotated.decode([before]) == [PLAIN]
    (after,) = await rotated.encode([PLAIN])
    assert await EncryptionCodec([NEW]).decode([after]) == [PLAIN]
    with pytest.raises(UnreadablePayloadError, match="no key"):
        await EncryptionCodec([OLD]).decode([after])


async def test_what_was_written_before_there_was_a_key_is_read_as_it_is():
    assert await EncryptionCodec([NEW]).decode([PLAIN]) == [PLAIN]


async def test_an_altered_payload_is_refused():
    (sealed,) = await EncryptionCodec([NEW]).encode([PLAIN])
    sealed.data = sealed.data[:-1] + bytes([sealed.data[-1] ^ 1])
    with pytest.raises(UnreadablePayloadError, match="altered"):
        await EncryptionCodec([NEW]).decode([sealed])
