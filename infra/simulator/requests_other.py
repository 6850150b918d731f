"""Requests that a gateway without news, depth, scanners or advisers answers with little or no."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from infra.simulator.session import ClientSession
from infra.simulator.wire import Fields

Handler = Callable[[ClientSession, Fields], None]

_SCANNER_PARAMETERS = """<?xml version="1.0" encoding="UTF-8"?>
<ScanParameterResponse><InstrumentList varName="instrumentList"/><LocationTree \
varName="locationTree"/><ScanTypeList varName="scanTypeList"/></ScanParameterResponse>"""
_NO_DEPTH = "Deep market data is not supported for this combination of security type/exchange"
_NO_FUNDAMENTALS = "The fundamentals data for the security specified is not available."
_NOT_AN_ADVISER = "FA data operations ignored for non FA customers"
_DISPLAY_GROUPS = "1|2|3|4|5|6|7"
_GROUPS, _PROFILES, _ALIASES = 1, 2, 3


def refusal(code: int, text: str, *, versioned: bool) -> Handler:
    """A handler that answers every such request with one error."""

    def handle(session: ClientSession, fields: Fields) -> None:
        if versioned:
            fields.skip()
        session.error(fields.int(-1), code, text)

    return handle


def invalid(cause: str, *, versioned: bool) -> Handler:
    return refusal(321, f"Error validating request.-'bN' : cause - {cause}", versioned=versioned)


def ignored(session: ClientSession, fields: Fields) -> None:
    """A request that changes nothing a simulated gateway keeps."""


def empty_list(answer_id: int, *, with_request_id: bool) -> Handler:
    """A handler that answers with a list of nothing."""

    def handle(session: ClientSession, fields: Fields) -> None:
        prefix = [fields.int()] if with_request_id else []
        session.reply(answer_id, *prefix, 0)

    return handle


def scanner_parameters(session: ClientSession, fields: Fields) -> None:
    session.reply(19, 1, _SCANNER_PARAMETERS)


def scanner_subscription(session: ClientSession, fields: Fields) -> None:
    """No scan finds anything here; TWS says so and sends an empty list."""
    request_id = fields.int()
    text = "Historical Market Data Service query message:no items retrieved"
    session.error(request_id, 165, text)
    session.reply(20, 3, request_id, 0)


def user_info(session: ClientSession, fields: Fields) -> None:
    white_branding_id = ""
    session.reply(107, fields.int(), white_branding_id)


def display_groups(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    session.reply(67, 1, fields.int(), _DISPLAY_GROUPS)


def subscribe_to_group(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    session.reply(68, 1, fields.int(), "none")


def update_display_group(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    session.reply(68, 1, fields.int(), fields.str())


def adviser_data(session: ClientSession, fields: Fields) -> None:
    """The groups or aliases of an adviser login, whose first account begins with DF or F."""
    fields.skip()
    kind = fields.int()
    accounts = list(session.gateway.exchange.accounts)
    if not is_adviser(accounts):
        session.invalid(-1, _NOT_AN_ADVISER)
    elif kind == _GROUPS:
        members = "".join(f"<Account><acct>{escape(a)}</acct></Account>" for a in accounts[1:])
        group = f"<Group><name>All</name><ListOfAccts>{members}</ListOfAccts>"
        body = f"{group}<defaultMethod>AvailableEquity</defaultMethod></Group>"
        session.reply(16, 1, kind, _xml("ListOfGroups", body))
    elif kind == _ALIASES:
        body = "".join(
            f"<AccountAlias><account>{escape(a)}</account><alias>{escape(a)}</alias></AccountAlias>"
            for a in accounts
        )
        session.reply(16, 1, kind, _xml("ListOfAccountAliases", body))
    elif kind == _PROFILES and session.version < 177:
        session.reply(16, 1, kind, _xml("ListOfAllocationProfiles", ""))
    else:
        session.invalid(-1, f"Invalid FA data type {kind}")


def replace_adviser_data(session: ClientSession, fields: Fields) -> None:
    """Groups are not kept: refused for everybody."""
    fields.skip(3)
    adviser = is_adviser(list(session.gateway.exchange.accounts))
    cause = "Allocation groups cannot be changed" if adviser else _NOT_AN_ADVISER
    session.invalid(fields.int(-1), cause)


def is_adviser(accounts: list[str]) -> bool:
    return len(accounts) > 1 and accounts[0].startswith(("DF", "F"))


def _xml(root: str, body: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><{root}>{body}</{root}>'


HANDLERS: dict[int, Handler] = {
    10: refusal(10092, _NO_DEPTH, versioned=True),
    11: refusal(310, "Can't find the subscribed market depth with the ticker id", versioned=True),
    12: ignored,  # news bulletins
    13: ignored,
    14: ignored,  # log level
    18: adviser_data,
    19: replace_adviser_data,
    21: invalid("Exercise is not simulated", versioned=True),
    22: scanner_subscription,
    23: ignored,
    24: scanner_parameters,
    52: refusal(430, _NO_FUNDAMENTALS, versioned=True),
    53: ignored,
    56: ignored,  # cancels of what has already been answered
    57: ignored,
    65: invalid("Authentication is not supported", versioned=True),
    66: invalid("Authentication is not supported", versioned=True),
    67: display_groups,
    68: subscribe_to_group,
    69: update_display_group,
    70: ignored,
    72: invalid("Authentication is not supported", versioned=True),
    73: invalid("Authentication is not supported", versioned=True),
    79: empty_list(77, with_request_id=True),  # soft dollar tiers
    82: empty_list(80, with_request_id=False),  # exchanges with market depth
    84: refusal(10172, "Failed to request news article:No data available", versioned=False),
    85: empty_list(85, with_request_id=False),  # news providers
    86: refusal(10276, "News feed is not allowed.", versioned=False),
    89: ignored,
    90: ignored,
    100: refusal(10276, "News feed is not allowed.", versioned=False),
    101: ignored,
    102: refusal(10276, "News feed is not allowed.", versioned=False),
    103: ignored,
    104: user_info,
}
