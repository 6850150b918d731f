from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.instruments import OptionContract
from domain.portfolio import PositionState, UnderlyingState, build_account_state
from domain.risk.alerts import (
    AlertThresholds,
    AlertTransitions,
    OpenRiskAlert,
    RiskAlertKind,
    Threshold,
    alert_transitions,
)
from domain.risk.limits import Limits
from domain.risk.state import RiskState, compute_risk_state
from domain.severity import Severity
from tests.unit.trade_factories import (
    NOW,
    contract,
    option_position,
    quote,
    stock_position,
    values,
)

THRESHOLDS = AlertThresholds()


def risk(*positions: PositionState, **changes: Any) -> RiskState:
    spot = UnderlyingState(symbol="SPY", price=Decimal("656.2"))
    return compute_risk_state(build_account_state(values(**changes), positions, [spot]))


def sold(quantity: int = -1, **changes: Any) -> PositionState:
    option: OptionContract = changes.pop("option", contract())
    looked = changes.pop("quote", quote(iv=0.16))
    return option_position(quantity, option, quote=looked, open_interest=5000, **changes)


def judged(state: RiskState, *before: OpenRiskAlert, seconds: int = 0) -> AlertTransitions:
    now = NOW + timedelta(seconds=seconds)
    return alert_transitions(before, state, THRESHOLDS, now, is_open=True)


def margin(usage: str) -> RiskState:
    return risk(maint_margin=Decimal(usage) * 500_000)


def opened(severity: Severity, kind: RiskAlertKind = RiskAlertKind.PM_USAGE, subject: str = ""):
    return OpenRiskAlert(kind=kind, subject=subject, severity=severity)


def test_a_quiet_account_raises_nothing():
    quiet = risk(sold(), cash=Decimal(100_000))
    assert judged(quiet) == AlertTransitions()


def test_an_alert_tells_value_threshold_and_what_to_do():
    (alert,) = judged(margin("0.4")).raised
    assert (alert.kind, alert.severity) == (RiskAlertKind.PM_USAGE, Severity.WARNING)
    assert (alert.value, alert.threshold) == (0.4, 0.35)
    assert "40%" in alert.detail
    assert alert.advice


def test_what_is_already_told_is_not_told_again():
    assert judged(margin("0.41"), opened(Severity.WARNING)) == AlertTransitions()


def test_a_graver_figure_changes_the_alert_once():
    (alert,) = judged(margin("0.6"), opened(Severity.WARNING)).changed
    assert alert.severity is Severity.CRITICAL
    assert judged(margin("0.6"), opened(Severity.CRITICAL)) == AlertTransitions()


def test_an_alert_on_the_edge_stays_until_the_figure_is_well_inside():
    assert judged(margin("0.34"), opened(Severity.WARNING)) == AlertTransitions()
    assert judged(margin("0.31"), opened(Severity.WARNING)).cleared == (opened(Severity.WARNING),)
    assert judged(margin("0.34")) == AlertTransitions()


def test_a_critical_alert_becomes_a_warning_before_it_goes():
    assert judged(margin("0.46"), opened(Severity.CRITICAL)) == AlertTransitions()
    (alert,) = judged(margin("0.44"), opened(Severity.CRITICAL)).changed
    assert alert.severity is Severity.WARNING


def test_margin_without_equity_is_critical():
    broke = risk(maint_margin=Decimal(1000), equity_with_loan=Decimal(-5))
    (alert,) = judged(broke).raised
    assert (alert.kind, alert.severity) == (RiskAlertKind.PM_USAGE, Severity.CRITICAL)


def test_what_cannot_be_told_leaves_the_alert_open():
    before = opened(Severity.WARNING, RiskAlertKind.NAME_CONCENTRATION, "SPY")
    unknown = risk(stock_position(1), net_liquidation=Decimal(-5))
    assert before not in judged(unknown, before).cleared


def kinds(transitions: AlertTransitions) -> set[RiskAlertKind]:
    return {alert.kind for alert in transitions.raised}


def test_each_kind_is_raised_by_its_own_figure():
    concentrated = risk(stock_position(400))
    assert RiskAlertKind.NAME_CONCENTRATION in kinds(judged(concentrated))
    short_of_cash = risk(sold(-5), cash=Decimal(100_000), net_liquidation=Decimal(10**7))
    assert kinds(judged(short_of_cash)) == {RiskAlertKind.ASSIGNMENT_CASH}
    wide = sold(quote=quote(bid=Decimal(2), ask=Decimal(4), iv=0.16))
    assert kinds(judged(risk(wide))) == {RiskAlertKind.ILLIQUID}
    heavy = sold().model_copy(update={"open_interest": 5.0})
    assert kinds(judged(risk(heavy))) == {RiskAlertKind.ILLIQUID}
    blind = sold(quote=None, market_value=None)
    assert kinds(judged(risk(blind))) == {RiskAlertKind.DATA_QUALITY}
    assert kinds(judged(risk(), seconds=400)) == {RiskAlertKind.STALE_SNAPSHOT}
    exposed = kinds(judged(risk(sold(-20), cash=Decimal(10**8))))
    assert {RiskAlertKind.STRESS_LOSS, RiskAlertKind.TAIL_LOSS} <= exposed


def in_sector(fraction: str) -> RiskState:
    """Shares of one sector for so much of the account."""
    names = [UnderlyingState(symbol=name, sector="Technology") for name in ("AAPL", "MSFT", "NVDA")]
    worth = Decimal(fraction) * 500_000 / len(names)
    shares = [stock_position(1, each.symbol, market_value=worth) for each in names]
    return compute_risk_state(build_account_state(values(), shares, names))


WIDE = quote(bid=Decimal(2), ask=Decimal(4), iv=0.16)
LIVES: dict[RiskAlertKind, tuple[RiskState, RiskState, int]] = {
    RiskAlertKind.PM_USAGE: (margin("0.4"), margin("0.2"), 0),
    RiskAlertKind.NAME_CONCENTRATION: (risk(stock_position(400)), risk(stock_position(100)), 0),
    RiskAlertKind.SECTOR_CONCENTRATION: (in_sector("0.6"), in_sector("0.4"), 0),
    RiskAlertKind.ILLIQUID: (risk(sold(quote=WIDE)), risk(sold()), 0),
    RiskAlertKind.STRESS_LOSS: (risk(sold(-20)), risk(sold()), 0),
    RiskAlertKind.TAIL_LOSS: (risk(sold(-20)), risk(sold()), 0),
    RiskAlertKind.ASSIGNMENT_CASH: (risk(sold(-5), cash=Decimal(100_000)), risk(sold(-1)), 0),
    RiskAlertKind.DATA_QUALITY: (risk(sold(quote=None, market_value=None)), risk(sold()), 0),
    RiskAlertKind.STALE_SNAPSHOT: (risk(), risk(), 400),
}


@pytest.mark.parametrize("kind", RiskAlertKind)
def test_every_kind_is_raised_once_and_cleared_once(kind: RiskAlertKind):
    troubled, sound, late = LIVES[kind]
    (alert,) = [each for each in judged(troubled, seconds=late).raised if each.kind is kind]
    assert alert.value >= alert.threshold > 0
    assert alert.advice
    known = opened(alert.severity, kind, alert.subject)
    again = judged(troubled, known, seconds=late)
    told = (*again.raised, *again.changed, *again.cleared)
    assert kind not in {each.kind for each in told}
    assert judged(sound, known).cleared == (known,)
    assert kind not in kinds(judged(sound))


def test_a_closed_market_makes_no_figure_stale():
    late = NOW + timedelta(days=1)
    assert alert_transitions([], risk(), THRESHOLDS, late, is_open=False) == AlertTransitions()


def test_positions_that_are_gone_take_their_alerts_with_them():
    gone = opened(Severity.WARNING, RiskAlertKind.ILLIQUID, "OPT:SPY:old")
    assert judged(risk(), gone).cleared == (gone,)


def test_thresholds_out_of_order_are_refused():
    with pytest.raises(ValueError, match="critical"):
        Threshold(warning=0.5, critical=0.4)


def test_an_account_with_a_tighter_limit_is_warned_before_that_limit_stops_it():
    bound = AlertThresholds().within(Limits(max_pm_usage=Decimal("0.2")))
    assert bound.pm_usage.critical == 0.2
    assert bound.pm_usage.warning == pytest.approx(0.14)
    assert bound.stress_loss == AlertThresholds().stress_loss


def test_a_looser_limit_and_no_limit_leave_the_thresholds_alone():
    usual = AlertThresholds()
    assert usual.within(Limits(max_pm_usage=Decimal("0.9"), max_name_fraction=None)) == usual
