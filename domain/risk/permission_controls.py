"""Controls on whether this trade may be made at all: what was approved, for whom, on which side."""

from __future__ import annotations

from domain.errors import ErrorCode
from domain.gateways import GatewayKind, is_paper_account
from domain.instruments import plain
from domain.portfolio import ZERO
from domain.recommendations import RecommendationAction
from domain.risk.answers import Answer, at_most, exempt, judged, unlimited
from domain.risk.limits import TradingState
from domain.risk.pretrade_inputs import PretradeInputs


def terms_unchanged(inputs: PretradeInputs) -> Answer:
    """The terms about to be traded are, to the last digit, those that were on screen."""
    terms_hash = inputs.trade.terms.hash
    passed = inputs.approved_hash == terms_hash
    return judged("terms_hash", inputs.approved_hash, terms_hash, passed, ErrorCode.TERMS_CHANGED)


def account_matches(inputs: PretradeInputs) -> Answer:
    """Terms, account and risk must speak of one account, in one currency.

    Adding amounts of different currencies would make every later limit meaningless.
    """
    wanted = inputs.trade.terms.account_code, inputs.contract.currency
    if inputs.account is None or inputs.risk is None:
        return judged(
            "account_known", None, lambda: " ".join(wanted), False, ErrorCode.ACCOUNT_STALE
        )
    codes = {inputs.account.account_code, inputs.risk.account_code}
    currency = inputs.account.values.currency
    return judged(
        "account_known",
        lambda: f"{'/'.join(sorted(codes))} {currency}",
        lambda: " ".join(wanted),
        codes == {wanted[0]} and currency == wanted[1],
        ErrorCode.DATA_INVALID,
    )


def paper_or_live(inputs: PretradeInputs) -> Answer:
    """Real money only where the account, the gateway and the limits all say so.

    IBKR's paper accounts are told by their code, whatever a gateway was set up as: a live login
    behind a gateway called PAPER or SIMULATED is refused.
    """
    code, kind = inputs.trade.terms.account_code, inputs.gateway_kind
    paper = is_paper_account(code)
    if kind is GatewayKind.LIVE:
        passed = not paper and inputs.limits.live_trading
        threshold = "a live account, and live trading allowed"
    else:
        passed = kind is not None and paper
        threshold = "a paper account"

    def value() -> str | None:
        if kind is None:
            return None
        account = "paper" if paper else "live"
        allowed = "allowed" if inputs.limits.live_trading else "not allowed"
        return f"{account} account, {kind} gateway, live trading {allowed}"

    return judged("paper_or_live", value, threshold, passed, ErrorCode.PAPER_LIVE_MISMATCH)


def trading_state_allows(inputs: PretradeInputs) -> Answer:
    state = inputs.trading_state
    passed = state is TradingState.ACTIVE or inputs.reduces_risk
    halted = state is TradingState.HALTED
    code = ErrorCode.TRADING_HALTED if halted else ErrorCode.TRADING_REDUCING
    threshold = "ACTIVE, or a close that reduces risk"
    return judged("trading_state", state.value, threshold, passed, code)


def strategy_permitted(inputs: PretradeInputs) -> Answer:
    permitted = inputs.limits.permitted_strategies
    if inputs.reduces_risk:
        return exempt("permitted_strategy", inputs.strategy)
    if permitted is None and inputs.strategy is not None:
        return unlimited("permitted_strategy", inputs.strategy)
    passed = permitted is not None and inputs.strategy in permitted
    threshold = ", ".join(sorted(permitted or ())) or ("any" if permitted is None else "none")
    return judged(
        "permitted_strategy", inputs.strategy, threshold, passed, ErrorCode.STRATEGY_NOT_PERMITTED
    )


def symbol_unrestricted(inputs: PretradeInputs) -> Answer:
    symbol, restricted = inputs.contract.symbol, inputs.limits.restricted_symbols
    if inputs.reduces_risk:
        return exempt("restricted_symbol", symbol)
    threshold = f"none of {', '.join(sorted(restricted))}" if restricted else "no restricted name"
    passed = symbol not in restricted
    return judged("restricted_symbol", symbol, threshold, passed, ErrorCode.SYMBOL_RESTRICTED)


def close_covered(inputs: PretradeInputs) -> Answer:
    """A close of what is not held would open a position nobody approved."""
    closing = inputs.closing_legs
    if not closing:
        return judged("close_covered", "opening trade", "held", True, ErrorCode.OUTSIDE_TERMS)
    account, passed = inputs.account, all(inputs.is_held(leg) for leg in closing)

    def value() -> str | None:
        if account is None:
            return None
        return ", ".join(plain(account.held(leg.contract.key)) for leg in closing)

    def threshold() -> str:
        wanted = ", ".join(str(inputs.contracts(leg)) for leg in closing)
        return f"at least {wanted} held the other way"

    return judged("close_covered", value, threshold, passed, ErrorCode.OUTSIDE_TERMS)


def side_opens(inputs: PretradeInputs) -> Answer:
    """A leg that opens must not quietly close what is held the other way.

    That holding may be what covers another position; its end needs an approval of its own.
    """
    opening = [leg for leg in inputs.legs if leg not in inputs.closing_legs]
    threshold = "nothing held the other way"
    if inputs.trade.terms.action is RecommendationAction.CLOSE:
        return judged("side", "closing trade", threshold, True, ErrorCode.WRONG_SIDE)
    if inputs.account is None:
        return judged("side", None, threshold, False, ErrorCode.ACCOUNT_STALE)
    held = [
        f"{plain(quantity)} {leg.contract.describe()}"
        for leg in opening
        if (quantity := inputs.account.held(leg.contract.key)) * leg.side.sign < ZERO
    ]
    value = ", ".join(held) or "none"
    return judged("side", value, threshold, not held, ErrorCode.WRONG_SIDE)


def quantity_within_approval(inputs: PretradeInputs) -> Answer:
    approved = inputs.trade.quantity
    passed = inputs.quantity <= approved
    code = ErrorCode.OUTSIDE_TERMS
    return judged("approved_quantity", inputs.quantity, at_most(approved), passed, code)
