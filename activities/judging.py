"""Judging an approved trade on what is true at this moment, before any order is made of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from temporalio import activity

from activities.portfolio import fresh_account
from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Leg, SecType, Settlement
from domain.market import Quote
from domain.orders import OrderIntent
from domain.packages import package_quote
from domain.portfolio import ZERO, AccountState
from domain.ports import Broker, Judgement, TradeContext, WhatIf
from domain.recommendations import (
    ApprovedTrade,
    RuleResult,
    approval_freshness,
    walked_price,
)
from domain.risk.pretrade import first_denial, run_controls, run_preview_controls
from domain.risk.pretrade_inputs import (
    ListedContract,
    MarginPreview,
    PretradeInputs,
    Stage,
)
from domain.risk.trade_margin import TradeMargin
from domain.risk.usage import margin_usage

ESTIMATE_SECONDS = 3.0
"""How long our own margin estimate may take before it is given up. No order waits for it."""


class PriceStep(NamedTuple):
    """How far the price has been walked: step ``at`` of ``of``, from 1."""

    at: int
    of: int


class Look(NamedTuple):
    """What was seen of the market and the account, and the order that would go out on it."""

    intent: OrderIntent
    inputs: PretradeInputs
    quotes: tuple[Quote, ...]
    """Of the legs, in their order."""


class Judged(NamedTuple):
    """The order as it would go out now, what came of the controls, and what they looked at."""

    intent: OrderIntent
    judgement: Judgement
    denial: RuleResult | None
    look: Look


class Judge:
    """Looks at one gateway's market, account and margin afresh."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def judge(self, context: TradeContext, key: str, step: PriceStep) -> Judged:
        """Re-quote, re-risk, ask for a preview where nothing else stands against it, and judge.

        Our own margin estimate is no part of it, see ``estimate``.
        """
        look = await self._look(context, key, step)
        inputs = look.inputs
        # Only the first attempt answers the click; later ones walk the price of the same approval.
        fresh: tuple[RuleResult, ...] = ()
        if context.attempts == 0:
            fresh = (approval_freshness(context.trade.terms, inputs.market_now),)
        before = inputs.model_copy(update={"stage": Stage.BEFORE_PREVIEW})
        rules = (*fresh, *run_controls(before))
        preview = None
        if first_denial(rules) is None:
            preview, refusal = await self._preview(look.intent)
            final = inputs.model_copy(
                update={"what_if": _margin_preview(preview), "what_if_refusal": refusal}
            )
            rules += run_preview_controls(final)
        judgement = Judgement(
            rules=rules,
            notional=ZERO if inputs.reduces_risk else inputs.notional,
            what_if=preview,
        )
        return Judged(look.intent, judgement, first_denial(rules), look)

    async def estimate(self, look: Look) -> TradeMargin | None:
        """Our own margin figures for the trade; none where they fail, for nothing hangs on them."""
        if look.inputs.account is None:
            return None
        try:
            async with asyncio.timeout(ESTIMATE_SECONDS):
                underlying = await self._broker.underlying(look.inputs.contract.symbol)
                on_index = underlying.sec_type is SecType.INDEX
                settlement = Settlement.CASH if on_index else Settlement.PHYSICAL
                return await asyncio.to_thread(
                    _trade_margin, look.inputs.account, look.intent, look.quotes, settlement
                )
        except TimeoutError:
            activity.logger.warning("own margin not estimated: it took too long")
        except Exception as error:
            activity.logger.warning("own margin not estimated: %s", error)
        return None

    async def price(self, trade: ApprovedTrade, step: PriceStep) -> Decimal:
        """The limit that an attempt at ``step`` would have on the quotes of this moment."""
        legs = trade.terms.legs
        return walked_price(trade, step.at, step.of, package_quote(legs, await self._quotes(legs)))

    async def _look(self, context: TradeContext, key: str, step: PriceStep) -> Look:
        trade, terms = context.trade, context.trade.terms
        quotes, account, listed, market_now = await asyncio.gather(
            self._quotes(terms.legs),
            fresh_account(self._broker, terms.account_code),
            self._listed(terms.legs),
            self._broker.market_time(),
        )
        quote = package_quote(terms.legs, quotes)
        intent = OrderIntent(
            order_key=key,
            account_code=terms.account_code,
            legs=terms.legs,
            quantity=int(trade.quantity - context.already_filled),
            limit_price=walked_price(trade, step.at, step.of, quote),
        )
        session_close = self._broker.session_close(market_now)
        inputs = PretradeInputs(
            trade=trade,
            quantity=intent.quantity,
            limit_price=intent.limit_price,
            quote=quote,
            account=account,
            risk=None if account is None else margin_usage(account),
            limits=context.limits.limits,
            trading_state=context.trading_state,
            approved_hash=context.approved_hash,
            strategy=context.strategy,
            gateway_kind=context.gateway_kind,
            listed=listed,
            record=context.record,
            held_greeks=context.held_greeks,
            market_now=market_now,
            today=self._broker.exchange_date(market_now),
            session_open=session_close is not None,
            session_close=session_close,
            open_order_keys=context.open_order_keys,
            committed_assignment_cash=context.committed_assignment_cash,
        )
        return Look(intent, inputs, quotes)

    async def _quotes(self, legs: Sequence[Leg]) -> tuple[Quote, ...]:
        return tuple(await asyncio.gather(*(self._broker.quote(leg.contract) for leg in legs)))

    async def _listed(self, legs: Sequence[Leg]) -> tuple[ListedContract, ...] | None:
        """Every leg as the broker describes it; None where it does not describe them all."""
        found: list[ListedContract] = []
        for described in await asyncio.gather(*(self._broker.listed(leg.contract) for leg in legs)):
            if described is None or described.option is None:
                return None
            found.append(ListedContract(contract=described.option, increments=described.increments))
        return tuple(found)

    async def _preview(self, intent: OrderIntent) -> tuple[WhatIf | None, str]:
        """The broker's preview, or none and why, which the controls then refuse."""
        try:
            return await self._broker.what_if(intent), ""
        except GreenlightError as error:
            if error.code is not ErrorCode.WHAT_IF_FAILED:
                raise
            activity.logger.warning("what-if failed: %s", error.detail)
            return None, error.detail


def _trade_margin(
    account: AccountState, intent: OrderIntent, quotes: tuple[Quote, ...], settlement: Settlement
) -> TradeMargin:
    # The pricing library and the solver: loaded where they work, not where workflows import us.
    from domain.risk.own_margin import QuotedTrade, trade_margin  # noqa: PLC0415

    trade = QuotedTrade(intent.legs, quotes, intent.quantity, settlement)
    return trade_margin(account, trade)


def _margin_preview(preview: WhatIf | None) -> MarginPreview | None:
    if preview is None:
        return None
    return MarginPreview(
        init_margin_after=preview.init_margin_after,
        maint_margin_after=preview.maint_margin_after,
        equity_with_loan_after=preview.equity_with_loan_after,
        commission=preview.commission,
    )
