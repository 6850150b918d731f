"""What each operation may be refused for, beyond what every one may.

The OpenAPI document is made of this, and the tests of the API fail on a refusal that is not here.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.errors import ErrorCode as E

_ADMINISTRATOR = (E.FORBIDDEN, E.STEP_UP_REQUIRED)
_FRESH = (E.STEP_UP_REQUIRED,)
_FACTOR = (E.STEP_UP_REQUIRED, E.SECOND_FACTOR_STATE)
_PROOF = (E.TOTP_REQUIRED, E.TOTP_INVALID)
_REJECTED = (
    E.FORBIDDEN,
    E.TERMS_CHANGED,
    E.RECOMMENDATION_EXPIRED,
    E.ALREADY_DECIDED,
    E.NOT_PENDING,
    E.BROKER_UNAVAILABLE,
)
_APPROVED = (
    *_REJECTED,
    E.STEP_UP_REQUIRED,
    E.OUTSIDE_TERMS,
    E.PRICE_INCREMENT,
    E.TRADING_HALTED,
    E.TRADING_REDUCING,
    E.SECOND_APPROVER_REQUIRED,
    E.APPROVAL_DIFFERS,
)
_CONFIGURED = (E.FORBIDDEN, E.CONFIG_INVALID, E.STRATEGY_UNRESOLVED)
_MARKET = (E.BROKER_UNAVAILABLE, E.MARKET_CLOSED, E.NOT_STARTED)
# Whatever a look at the market can fail for.
_LOOK = (
    E.ACCOUNT_STALE,
    E.COMPETING_SESSION,
    E.DATA_INVALID,
    E.INSTRUMENT_AMBIGUOUS,
    E.INSTRUMENT_UNKNOWN,
    E.MARKET_DATA_LINES,
    E.MARKET_DATA_NOT_SUBSCRIBED,
    E.NO_RESULT_YET,
    E.QUOTE_MISSING,
    E.STRATEGY_FAILED,
)
_BACKTEST = (
    E.FORBIDDEN,
    E.NOT_FOUND,
    E.NOT_STARTED,
    E.CONFIG_INVALID,
    E.DATA_INVALID,
    E.STRATEGY_UNRESOLVED,
)
_IN_DOUBT = (E.FORBIDDEN, E.EVIDENCE_INCOMPLETE, E.ILLEGAL_TRANSITION)

REFUSALS: Mapping[str, tuple[E, ...]] = {
    "accept_figure": (E.FORBIDDEN, E.DISCREPANCY_CHANGED, E.ILLEGAL_TRANSITION),
    "account_risk": (E.ACCOUNT_STALE,),
    "acknowledge_alert": (E.FORBIDDEN,),
    "add_user": (*_ADMINISTRATOR, E.EMAIL_TAKEN),
    "approve_config_change": (
        *_CONFIGURED,
        E.CONFIG_CHANGED,
        E.ILLEGAL_TRANSITION,
        E.SECOND_APPROVER_REQUIRED,
    ),
    "approve_recommendation": _APPROVED,
    "backtest_equity": (E.NO_RESULT_YET,),
    "backtest_report": (E.NO_RESULT_YET,),
    "backtest_table": (E.NO_RESULT_YET,),
    "backtest_trades": (E.NO_RESULT_YET,),
    "cancel_backtest": (E.FORBIDDEN, E.NOT_STARTED),
    "cancel_order": (E.FORBIDDEN, E.ILLEGAL_TRANSITION),
    "cancel_sweep": (E.FORBIDDEN, E.NOT_STARTED),
    "change": (E.FORBIDDEN, E.LIMITS_CHANGED),
    "change_channel": (*_FRESH, E.CHANNEL_REFUSED),
    "change_password": (E.WRONG_PASSWORD, E.WEAK_PASSWORD),
    "change_strategy_config": (*_CONFIGURED, E.CONFIG_CHANGED, E.CONFIG_CHANGE_PENDING),
    "change_trading_state_of_account": (E.FORBIDDEN,),
    "change_trading_state_of_desk": (E.FORBIDDEN,),
    "compare_backtests": (E.NOT_FOUND,),
    "confirm_identity": (E.WRONG_PASSWORD, *_PROOF),
    "confirm_totp_enrolment": (*_FACTOR, E.TOTP_INVALID),
    "create_channel": (*_FRESH, E.CHANNEL_REFUSED),
    "create_client": _ADMINISTRATOR,
    "create_portfolio": _ADMINISTRATOR,
    "create_strategy": (*_CONFIGURED, E.NOT_FOUND),
    "create_token": _FRESH,
    "declare_ended": _IN_DOUBT,
    "declare_not_sent": _IN_DOUBT,
    "disable_strategy": (E.FORBIDDEN,),
    "disable_totp": _FACTOR,
    "dry_run_strategy": (*_CONFIGURED, *_MARKET, *_LOOK),
    "edit_client": _ADMINISTRATOR,
    "edit_portfolio": _ADMINISTRATOR,
    "edit_user": (*_ADMINISTRATOR, E.LAST_ADMIN),
    "enable_strategy": (*_CONFIGURED, E.SECOND_APPROVER_REQUIRED),
    "end_user_sessions": _ADMINISTRATOR,
    "enrol_totp": _FACTOR,
    # What a provider's sign-in is refused for is told on the page for signing in.
    "finish_provider_sign_in": (E.NOT_FOUND,),
    "get_user": (E.FORBIDDEN,),
    "grant_role": (*_ADMINISTRATOR, E.NOT_FOUND),
    "history": (E.FORBIDDEN,),
    "list_gateways": (E.FORBIDDEN,),
    "list_recordings": (E.FORBIDDEN,),
    "list_users": (E.FORBIDDEN,),
    "login": (E.INVALID_CREDENTIALS, *_PROOF),
    "press_kill_switch": (E.FORBIDDEN, E.NOT_FOUND),
    "preview_kill_switch": (E.FORBIDDEN, E.NOT_FOUND),
    "reject_config_change": (E.FORBIDDEN, E.ILLEGAL_TRANSITION),
    "reject_recommendation": _REJECTED,
    "renew_recovery_codes": _FACTOR,
    "reset_password": _ADMINISTRATOR,
    "reset_second_factor": (*_ADMINISTRATOR, E.SECOND_FACTOR_STATE),
    "revoke_role": _ADMINISTRATOR,
    "run_strategy_now": (E.FORBIDDEN, E.STRATEGY_DISABLED, *_MARKET),
    "set_approval_rules": (E.FORBIDDEN, E.STEP_UP_REQUIRED),
    "set_up_account": _ADMINISTRATOR,
    "set_up_gateway": _ADMINISTRATOR,
    "start_backtest": _BACKTEST,
    "start_provider_sign_in": (E.NOT_FOUND,),
    "start_sweep": _BACKTEST,
    "test_channel": (E.CHANNEL_REFUSED, E.NOTIFICATION_FAILED),
    "verify_audit": (E.FORBIDDEN,),
}
