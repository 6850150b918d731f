"""What a person is told of each error. It is imported from ``domain.errors``."""

from __future__ import annotations

from typing import NamedTuple

from domain.error_codes import ErrorCode


class Guidance(NamedTuple):
    """What a person is told: the title of the problem and what to do next."""

    status: int
    title: str
    advice: str


_REFRESH = "Reload the recommendation and decide on what it says now."
_MARKET_DATA = "Check the market data subscription and wait for a live quote."
_OPERATOR = "Ask the operator to look at the order in Temporal Web."
_FEWER = "Approve fewer contracts."
_LIMITS = "See the limits of the account and the scope each comes from."

GUIDANCE: dict[ErrorCode, Guidance] = {
    ErrorCode.NOT_AUTHENTICATED: Guidance(401, "Not signed in", "Sign in again."),
    ErrorCode.INVALID_CREDENTIALS: Guidance(
        401, "E-mail or password is wrong", "Check both and try again."
    ),
    ErrorCode.SIGN_IN_REFUSED: Guidance(
        401,
        "The identity provider's sign-in is not accepted",
        "Sign in again; if it stays so, ask an administrator whether your e-mail is known here.",
    ),
    ErrorCode.SIGN_IN_UNAVAILABLE: Guidance(
        502, "The identity provider does not answer", "Try again, or sign in by password."
    ),
    ErrorCode.FORBIDDEN: Guidance(403, "Not permitted", "Ask an administrator for the role."),
    ErrorCode.CSRF_REJECTED: Guidance(
        403, "Request came from another site", "Use the desk in its own browser tab."
    ),
    ErrorCode.TOO_MANY_REQUESTS: Guidance(429, "Too many attempts", "Wait a minute, then retry."),
    ErrorCode.WEAK_PASSWORD: Guidance(
        422, "The password is too easily guessed", "Choose a longer one, of unrelated words."
    ),
    ErrorCode.TOTP_REQUIRED: Guidance(
        401, "A one-time code is needed", "Enter the code of your authenticator app."
    ),
    ErrorCode.WRONG_PASSWORD: Guidance(422, "The password is wrong", "Type it again."),
    ErrorCode.TOTP_INVALID: Guidance(
        422,
        "The code is wrong or was used before",
        "Wait for the next code, or use a recovery code.",
    ),
    ErrorCode.STEP_UP_REQUIRED: Guidance(
        403, "Confirm that it is you", "Enter your one-time code, or your password, and go on."
    ),
    ErrorCode.CHANNEL_REFUSED: Guidance(
        422,
        "This address cannot be used for notifications",
        "Compare it with the examples in the guide, or ask an administrator to allow its kind.",
    ),
    ErrorCode.NOTIFICATION_FAILED: Guidance(
        502,
        "The message was not delivered",
        "Check the address and its password or token, then send a test again.",
    ),
    ErrorCode.SECOND_FACTOR_STATE: Guidance(
        409, "The second factor is not in that state", "Reload your account's page."
    ),
    ErrorCode.SCOPE_MISSING: Guidance(
        403, "The token does not allow that", "Make a token with the scope, or do it in the desk."
    ),
    ErrorCode.EMAIL_TAKEN: Guidance(
        409, "Somebody has this e-mail already", "Look them up in the list of users."
    ),
    ErrorCode.LAST_ADMIN: Guidance(
        409, "Nobody would administer the desk", "Make somebody else an administrator first."
    ),
    ErrorCode.NOT_FOUND: Guidance(404, "Not found", "It may belong to another client."),
    ErrorCode.INVALID_INPUT: Guidance(422, "Input not valid", "Correct the named fields."),
    ErrorCode.PRECONDITION_FAILED: Guidance(
        412,
        "Somebody else changed this meanwhile",
        "Look at it again, then make your change to what it says now.",
    ),
    ErrorCode.IDEMPOTENCY_KEY_REUSED: Guidance(
        422, "Idempotency key used for another request", "Send a new key."
    ),
    ErrorCode.TERMS_CHANGED: Guidance(409, "The terms have changed", _REFRESH),
    ErrorCode.RECOMMENDATION_EXPIRED: Guidance(
        409, "The deadline has passed", "Wait for the next strategy run."
    ),
    ErrorCode.ALREADY_DECIDED: Guidance(409, "Already decided", "See the decision on the card."),
    ErrorCode.NOT_PENDING: Guidance(409, "No longer waiting for a decision", _REFRESH),
    ErrorCode.OUTSIDE_TERMS: Guidance(
        422,
        "Outside the offered terms",
        "Approve at most the offered quantity and no worse than the offered limit.",
    ),
    ErrorCode.SECOND_APPROVER_REQUIRED: Guidance(
        409, "You have approved it already", "Somebody else has to approve it as well."
    ),
    ErrorCode.APPROVAL_DIFFERS: Guidance(
        409,
        "The first approval is of another quantity or limit",
        "Approve the same, or reject and let a new recommendation be made.",
    ),
    ErrorCode.NOT_APPROVED: Guidance(409, "No approval on record", _REFRESH),
    ErrorCode.TRADING_HALTED: Guidance(
        409, "Trading is halted", "Resume trading before approving new orders."
    ),
    ErrorCode.TRADING_REDUCING: Guidance(
        409, "Only risk-reducing orders are allowed", "Return to ACTIVE to open positions."
    ),
    ErrorCode.MARKET_CLOSED: Guidance(
        409, "The market is closed", "Decide again in the next session."
    ),
    ErrorCode.QUOTE_MISSING: Guidance(409, "No two-sided quote", _MARKET_DATA),
    ErrorCode.QUOTE_STALE: Guidance(409, "The quote is stale", _MARKET_DATA),
    ErrorCode.QUOTE_CROSSED: Guidance(409, "The quote is crossed", _MARKET_DATA),
    ErrorCode.QUOTE_DELAYED: Guidance(409, "Market data is delayed", _MARKET_DATA),
    ErrorCode.MARKET_DATA_LINES: Guidance(
        409, "No market-data line is free", "Close quotes in TWS or add lines, then decide again."
    ),
    ErrorCode.MARKET_DATA_NOT_SUBSCRIBED: Guidance(
        409,
        "The account has no live market data for this contract",
        "Subscribe to it at IBKR; delayed prices are not traded on.",
    ),
    ErrorCode.COMPETING_SESSION: Guidance(
        409,
        "Another session of the same IBKR user takes the market data",
        "Log the other session out, or give the desk a user of its own.",
    ),
    ErrorCode.INSTRUMENT_HALTED: Guidance(
        409, "Trading in this name is halted", "Decide again when the exchange has resumed it."
    ),
    ErrorCode.EXPIRY_CUTOFF: Guidance(
        409,
        "The contract is about to stop trading",
        "Nothing opens this late; a later expiry may be offered by the next run.",
    ),
    ErrorCode.CONTRACT_CHANGED: Guidance(
        409,
        "The broker describes the contract otherwise than the terms",
        "A corporate action may have adjusted it: wait for the next strategy run.",
    ),
    ErrorCode.MULTIPLIER_CHANGED: Guidance(
        409,
        "The contract's multiplier is not the one approved",
        "A corporate action may have adjusted it: wait for the next strategy run.",
    ),
    ErrorCode.WRONG_SIDE: Guidance(
        409,
        "The trade would close what is held the other way",
        "Close that position by a trade of its own first.",
    ),
    ErrorCode.PAPER_LIVE_MISMATCH: Guidance(
        409,
        "Account, gateway and limits disagree on paper or live",
        "Check the gateway's kind and the limit live_trading.",
    ),
    ErrorCode.SYMBOL_RESTRICTED: Guidance(409, "The underlying is restricted", _LIMITS),
    ErrorCode.STRATEGY_NOT_PERMITTED: Guidance(
        409, "The strategy may not trade this portfolio", _LIMITS
    ),
    ErrorCode.PRICE_COLLAR: Guidance(
        409, "The limit is too far from the market", "Look at the successor on fresh terms."
    ),
    ErrorCode.PRICE_OUTSIDE_FLOOR: Guidance(
        409, "The market has moved past the price floor", "Look at the successor on fresh terms."
    ),
    ErrorCode.UNDERLYING_DRIFTED: Guidance(
        409, "The underlying has moved too far", "Look at the successor on fresh terms."
    ),
    ErrorCode.PRICE_INCREMENT: Guidance(
        422, "Not an accepted price step", "Use a price on the exchange's increment."
    ),
    ErrorCode.QUANTITY_LIMIT: Guidance(409, "Too many contracts", _FEWER),
    ErrorCode.NOTIONAL_LIMIT: Guidance(409, "Notional above the limit", _FEWER),
    ErrorCode.MAX_LOSS_EXCEEDED: Guidance(409, "The order could lose too much", _FEWER),
    ErrorCode.POSITION_LIMIT: Guidance(409, "Too many contracts on one underlying", _FEWER),
    ErrorCode.CONCENTRATION_LIMIT: Guidance(409, "Too much depends on one underlying", _FEWER),
    ErrorCode.DELTA_LIMIT: Guidance(409, "The account's delta would pass the limit", _FEWER),
    ErrorCode.VEGA_LIMIT: Guidance(409, "The account's vega would pass the limit", _FEWER),
    ErrorCode.GREEKS_MISSING: Guidance(
        409,
        "The account's delta or vega cannot be told",
        "A holding has no fresh quote: read the market again, then decide.",
    ),
    ErrorCode.NOT_COVERED: Guidance(409, "Not enough shares to cover the calls", _FEWER),
    ErrorCode.ASSIGNMENT_CASH: Guidance(
        409, "Not enough cash if every short put is assigned", _FEWER
    ),
    ErrorCode.BUYING_POWER: Guidance(
        409, "Not enough buying power", "Approve fewer contracts or free margin."
    ),
    ErrorCode.PM_USAGE_LIMIT: Guidance(
        409, "Margin usage would pass the limit", "Approve fewer contracts or free margin."
    ),
    ErrorCode.CONTRACT_EXPIRED: Guidance(
        409, "The contract has expired", "Wait for the next strategy run."
    ),
    ErrorCode.DUPLICATE_ORDER: Guidance(
        409, "The same order is already working", "Look at the working order first."
    ),
    ErrorCode.DUPLICATE_TRADE: Guidance(
        409,
        "The same trade was made a moment ago",
        "Make sure that it is meant twice; the same trade is free again after some minutes.",
    ),
    ErrorCode.OWN_ORDER_CROSSED: Guidance(
        409,
        "The order would trade with an order of our own",
        "Cancel the working order on the other side first.",
    ),
    ErrorCode.ORDER_RATE: Guidance(
        409, "Too many orders within a minute", "Wait a minute; find out what sends so many."
    ),
    ErrorCode.DAILY_ORDERS: Guidance(409, "Enough orders for one day", _LIMITS),
    ErrorCode.DAILY_NOTIONAL: Guidance(409, "Enough opened for one day", _LIMITS),
    ErrorCode.DAILY_LOSS: Guidance(
        409,
        "The day's loss has stopped new trades",
        "Closes still go out; new trades wait for the next day.",
    ),
    ErrorCode.WHAT_IF_FAILED: Guidance(
        409, "The broker gave no margin preview", "Try again when the broker answers."
    ),
    ErrorCode.ACCOUNT_STALE: Guidance(
        409, "Account values are missing or old", "Check the broker connection."
    ),
    ErrorCode.BROKER_UNAVAILABLE: Guidance(
        503, "The broker is not connected", "Wait for the connection, then try again."
    ),
    ErrorCode.BROKER_REJECTED: Guidance(
        409, "The broker rejected the order", "Read the broker's message on the order."
    ),
    ErrorCode.LEASE_LOST: Guidance(
        503, "Another broker worker holds this gateway", "Stop one of the two workers."
    ),
    ErrorCode.SEND_ABANDONED: Guidance(
        409, "The attempt ended before anything was sent", "A fresh attempt follows by itself."
    ),
    ErrorCode.ORDER_UNPROVEN: Guidance(409, "The order's fate is not proven", _OPERATOR),
    ErrorCode.ORDER_LAPSED: Guidance(
        409, "The order ended without a full fill", "Wait for the next strategy run."
    ),
    ErrorCode.ORDER_CANCELLED: Guidance(
        409, "The order was cancelled", "Wait for the next strategy run."
    ),
    ErrorCode.ORDER_OVERFILLED: Guidance(
        409, "More was executed than was ordered; the account is halted", _OPERATOR
    ),
    ErrorCode.ORDER_QUARANTINED: Guidance(
        409, "The broker's record contradicts ours; the account is halted", _OPERATOR
    ),
    ErrorCode.ORDER_ALTERED: Guidance(
        409,
        "The order at the broker is not the one that was approved; the account is halted",
        "Find out in TWS who altered it, and cancel it there if it still works.",
    ),
    ErrorCode.ORDER_DECLARED_ENDED: Guidance(
        409, "A person declared the order over", "See what was traded in the order's events."
    ),
    ErrorCode.ILLEGAL_TRANSITION: Guidance(409, "The order cannot change that way", _OPERATOR),
    ErrorCode.EVIDENCE_INCOMPLETE: Guidance(
        409, "Not enough evidence yet", "Wait for more complete looks at the broker's books."
    ),
    ErrorCode.STRATEGY_UNRESOLVED: Guidance(
        422, "The strategy's code cannot be loaded", "Correct the code_ref."
    ),
    ErrorCode.CONFIG_INVALID: Guidance(
        422, "The configuration is not valid", "Correct the named fields."
    ),
    ErrorCode.CONFIG_CHANGED: Guidance(
        412,
        "Somebody else changed this configuration",
        "Look at it again, then make your change to what it says now.",
    ),
    ErrorCode.CONFIG_CHANGE_PENDING: Guidance(
        409,
        "A change of this configuration waits for a second person",
        "Approve, reject or withdraw that one before you propose another.",
    ),
    ErrorCode.STRATEGY_DISABLED: Guidance(
        409, "The strategy is switched off", "Switch it on, then run it; or try a dry run."
    ),
    ErrorCode.STRATEGY_FAILED: Guidance(
        500, "The strategy failed", "Read the run's errors; other strategies were not affected."
    ),
    ErrorCode.INSTRUMENT_AMBIGUOUS: Guidance(
        409, "The symbol matches several instruments", "Choose the instrument by hand."
    ),
    ErrorCode.INSTRUMENT_UNKNOWN: Guidance(
        404, "The broker knows no such instrument", "Check symbol and type."
    ),
    ErrorCode.DATA_INVALID: Guidance(422, "The data is not valid", "Correct the named rows."),
    ErrorCode.LIMITS_CHANGED: Guidance(
        409, "Somebody else changed these limits", "Look at them again, then change them."
    ),
    ErrorCode.DISCREPANCY_CHANGED: Guidance(
        409, "The broker's figure has changed", "Look at the difference again, then decide."
    ),
    ErrorCode.WORKFLOW_UNAVAILABLE: Guidance(
        503,
        "Recorded; the workflow will have it within a minute",
        "Nothing is lost and nothing needs to be pressed again.",
    ),
    ErrorCode.NOT_STARTED: Guidance(
        503, "Temporal cannot be reached", "Nothing was started or stopped: try again in a moment."
    ),
    ErrorCode.NO_RESULT_YET: Guidance(
        409, "There is no result", "Wait until it is complete; one that failed has none."
    ),
}
