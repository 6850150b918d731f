"""Requests about accounts, positions and profit."""

from __future__ import annotations

from infra.simulator import messages
from infra.simulator.session import ClientSession
from infra.simulator.wire import Fields

MAX_SUMMARIES = 2
"""Account summaries one client may have at a time."""


def managed_accounts(session: ClientSession, fields: Fields) -> None:
    session.send([messages.managed_accounts(session.gateway.exchange.accounts)])


def positions(session: ClientSession, fields: Fields) -> None:
    gateway = session.gateway
    session.wants_positions = True
    for account in gateway.exchange.accounts.values():
        session.send(
            messages.position(account.name, gateway.security(h.con_id), h) for h in account.holdings
        )
    session.reply(62, 1)


def cancel_positions(session: ClientSession, fields: Fields) -> None:
    session.wants_positions = False


def positions_multi(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    request_id, wanted, model = fields.int(), fields.str(), fields.str()
    gateway = session.gateway
    names = _accounts(session, request_id, wanted)
    for name in names:
        for holding in gateway.exchange.accounts[name].holdings:
            row = messages.position(name, gateway.security(holding.con_id), holding)
            session.send([messages.position_multi(request_id, row, model)])
    if names:
        session.positions_multi[request_id] = (names, model)
        session.reply(72, 1, request_id)


def cancel_positions_multi(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    session.positions_multi.pop(fields.int(), None)


def account_updates(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    subscribe, account = fields.bool(), fields.str()
    gateway = session.gateway
    if not subscribe:
        session.account_updates = ""
        return
    account = account or next(iter(gateway.exchange.accounts))
    if _unknown_account(session, -1, account):
        return
    session.account_updates = account
    session.send([*gateway.account_rows(account), messages.account_download_end(account)])


def account_updates_multi(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    request_id, account, model = fields.int(), fields.str(), fields.str()
    names = _accounts(session, request_id, account)
    for name in names:
        values = session.gateway.exchange.values(name)
        session.send(messages.account_multi(request_id, values, model))
    if names:
        session.account_multi[request_id] = (names, model)
        session.reply(74, 1, request_id)


def cancel_account_updates_multi(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    session.account_multi.pop(fields.int(), None)


def account_summary(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    request_id, group, tags = fields.int(), fields.str(), fields.str()
    if len(session.summaries) >= MAX_SUMMARIES and request_id not in session.summaries:
        cause = "Maximum number of account summary requests exceeded"
        session.error(request_id, 322, f"Error processing request.-'cd' : cause - {cause}")
        return
    names = _accounts(session, request_id, "" if group == "All" else group)
    if not names:
        return
    wanted = frozenset(tag.strip() for tag in tags.split(",") if tag.strip())
    session.summaries[request_id] = (names, wanted)
    session.send(session.gateway.summary_rows(request_id, names, wanted))
    session.reply(64, 1, request_id)


def cancel_account_summary(session: ClientSession, fields: Fields) -> None:
    fields.skip()
    session.summaries.pop(fields.int(), None)


def pnl(session: ClientSession, fields: Fields) -> None:
    request_id, account = fields.int(), fields.str()
    _subscribe_pnl(session, request_id, account, 0)


def pnl_single(session: ClientSession, fields: Fields) -> None:
    request_id, account, _model, con_id = fields.int(), fields.str(), fields.str(), fields.int()
    _subscribe_pnl(session, request_id, account, con_id)


def cancel_pnl(session: ClientSession, fields: Fields) -> None:
    request_id = fields.int()
    session.pnl.pop(request_id, None)
    session.shown_pnl.pop(request_id, None)


def family_codes(session: ClientSession, fields: Fields) -> None:
    accounts = list(session.gateway.exchange.accounts)
    session.reply(78, len(accounts), *(x for name in accounts for x in (name, "")))


def _subscribe_pnl(session: ClientSession, request_id: int, account: str, con_id: int) -> None:
    if not _unknown_account(session, request_id, account):
        session.pnl[request_id] = (account, con_id)
        session.send(session.gateway.new_pnl(session))


def _accounts(session: ClientSession, request_id: int, name: str) -> tuple[str, ...]:
    """The accounts meant, all for an empty name; none once an error has been sent."""
    if not name:
        return tuple(session.gateway.exchange.accounts)
    return () if _unknown_account(session, request_id, name) else (name,)


def _unknown_account(session: ClientSession, request_id: int, account: str) -> bool:
    if account in session.gateway.exchange.accounts:
        return False
    session.error(
        request_id,
        321,
        f"Error validating request.-'bN' : cause - Invalid account code '{account}'",
    )
    return True


HANDLERS = {
    6: account_updates,
    17: managed_accounts,
    61: positions,
    62: account_summary,
    63: cancel_account_summary,
    64: cancel_positions,
    74: positions_multi,
    75: cancel_positions_multi,
    76: account_updates_multi,
    77: cancel_account_updates_multi,
    80: family_codes,
    92: pnl,
    93: cancel_pnl,
    94: pnl_single,
    95: cancel_pnl,
}
