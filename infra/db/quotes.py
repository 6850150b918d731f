"""The latest look at every instrument's market."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import isnan
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from domain.market import ImpliedCarry, OptionChain, QuoteCode, QuoteQuality, decimal_of
from infra.db.bulk import Upserted, upsert
from infra.db.models import Quote

_TOLD = (
    "as_of", "quality", "bid", "ask", "underlying_price", "iv", "delta", "volume", "open_interest",
    "grade", "forward", "rate",
)  # fmt: skip


async def keep_quotes(
    session: AsyncSession, underlying_id: UUID, chain: OptionChain, ids: Mapping[int, UUID]
) -> Upserted:
    """Write the chain's quotes, and its underlying's price, over what was known.

    ``ids`` are the instruments by conId. A contract without a two-sided quote is kept as MISSING:
    that nothing is quoted is news too.
    """
    spot = decimal_of(round(chain.underlying_price, 6))
    rows: list[dict[str, Any]] = [_underlying(underlying_id, chain, spot)]
    columns = zip(
        chain.con_id.tolist(),
        _decimals(chain.bid),
        _decimals(chain.ask),
        *(_floats(each) for each in (chain.iv, chain.delta, chain.volume, chain.open_interest)),
        _grades(chain),
        _carries(chain),
        strict=True,
    )
    for con_id, bid, ask, iv, delta, volume, open_interest, grade, carry in columns:
        is_quoted = bid is not None and ask is not None
        rows.append(
            {
                "instrument_id": ids[con_id],
                "as_of": chain.as_of,
                "quality": chain.quality if is_quoted else QuoteQuality.MISSING,
                "bid": bid,
                "ask": ask,
                "underlying_price": spot,
                "iv": iv,
                "delta": delta,
                "volume": volume,
                "open_interest": open_interest,
                "grade": grade,
                "forward": None if carry is None else carry.forward,
                "rate": None if carry is None else carry.rate,
            }
        )
    return await upsert(session, Quote, rows, key=("instrument_id",), update=_TOLD)


def _underlying(underlying_id: UUID, chain: OptionChain, spot: Decimal) -> dict[str, Any]:
    return dict.fromkeys(_TOLD) | {
        "instrument_id": underlying_id,
        "as_of": chain.as_of,
        "quality": chain.quality,
        "underlying_price": spot,
    }


def _grades(chain: OptionChain) -> list[str | None]:
    if chain.code is None:
        return [None] * len(chain)
    return [QuoteCode(code).name for code in chain.code.tolist()]


def _carries(chain: OptionChain) -> list[ImpliedCarry | None]:
    known = {(carry.trading_class, carry.expiry): carry for carry in chain.carries}
    series = zip(chain.trading_class, chain.expiry.tolist(), strict=True)
    return [known.get(each) for each in series]


def _decimals(values: np.ndarray) -> list[Decimal | None]:
    return [None if isnan(number) else decimal_of(number) for number in values.tolist()]


def _floats(values: np.ndarray) -> list[float | None]:
    return [None if isnan(number) else number for number in values.tolist()]
