"""Lists that browsers read again at every change: a page of plain rows, serialised once.

The usual way, a model for each row that FastAPI validates again and then serialises, costs several
times what the query does. For a list that is read all the time, word each row as a dict instead,
with the field names and types of its model, and answer with ``page_answer``; declare the model on
the route, so that the document stays as it was::

    @router.get("/positions/", response_model=Page[PositionRow])
    async def list_positions(...) -> Response:
        rows = await queries.position_rows(...)
        return page_answer((position_fields(row) for row in rows.items), rows.next_cursor)

Nothing checks the dicts at run time, so a test must: `tests/integration/api/test_api_fast_lists.py`
holds every such list to its model, value for value.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
from fastapi import Response

from domain.instruments import plain

_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME
_IN_UTC = "+00:00"


def page_answer(items: Iterable[dict[str, Any]], next_cursor: str | None) -> Response:
    """The answer of a list route: what ``Page`` of the row's model would serialise to.

    Decimals are written as ``schemas.common.Exact``, times as ``UtcTime``; ids, enumerations and
    dates as they are, numbers that are not finite as null.
    """
    body = {"items": list(items), "next_cursor": next_cursor}
    return Response(dumped(body), media_type="application/json")


def dumped(body: dict[str, Any]) -> bytes:
    return orjson.dumps(body, default=_worded, option=_OPTIONS)


def _worded(value: Any) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        words = value.isoformat()
        if not words.endswith(_IN_UTC):
            words = value.astimezone(UTC).isoformat()
        return f"{words.removesuffix(_IN_UTC)}Z"
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in a list")
