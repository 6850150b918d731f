"""When an account's risk deserves a person's attention, and when it no longer does.

A pure function of the alerts that are open and the state of now. An alert is raised once; it is
told anew only when its severity changes, and cleared when the figure has come back well inside
its threshold, so that one on the edge does not flicker.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from domain.instruments import Frozen
from domain.market import QuoteQuality
from domain.risk.exposures import UNKNOWN_SECTOR
from domain.risk.limits import Limits
from domain.risk.state import RiskState
from domain.severity import Severity


class RiskAlertKind(StrEnum):
    PM_USAGE = "RISK_PM_USAGE"
    NAME_CONCENTRATION = "RISK_NAME_CONCENTRATION"
    SECTOR_CONCENTRATION = "RISK_SECTOR_CONCENTRATION"
    ILLIQUID = "RISK_ILLIQUID"
    STRESS_LOSS = "RISK_STRESS_LOSS"
    TAIL_LOSS = "RISK_TAIL_LOSS"
    ASSIGNMENT_CASH = "RISK_ASSIGNMENT_CASH"
    DATA_QUALITY = "RISK_DATA_QUALITY"
    STALE_SNAPSHOT = "RISK_STALE_SNAPSHOT"


class Threshold(Frozen):
    """From ``warning`` on a WARNING, from ``critical`` on CRITICAL; more is worse."""

    warning: float = Field(gt=0)
    critical: float = Field(gt=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.critical < self.warning:
            raise ValueError("critical lies below warning")
        return self

    def by(self, limit: Decimal | None) -> Threshold:
        """Critical at ``limit`` at the latest, and the warning earlier in proportion."""
        if limit is None or limit <= 0 or self.critical <= limit:
            return self
        critical = float(limit)
        return Threshold(warning=self.warning * critical / self.critical, critical=critical)


class AlertThresholds(Frozen):
    """Where alerts begin. Fractions are of net liquidation value unless said otherwise."""

    pm_usage: Threshold = Field(
        default=Threshold(warning=0.35, critical=0.5),
        description="maintenance margin over equity with loan value",
    )
    name_concentration: Threshold = Threshold(warning=0.3, critical=0.5)
    sector_concentration: Threshold = Threshold(warning=0.5, critical=0.8)
    spread_fraction: Threshold = Field(
        default=Threshold(warning=0.25, critical=0.75), description="spread over mid"
    )
    size_fraction: Threshold = Field(
        default=Threshold(warning=0.1, critical=0.3), description="contracts over open interest"
    )
    stress_loss: Threshold = Field(
        default=Threshold(warning=0.15, critical=0.3), description="worst cell within ±15 %"
    )
    tail_loss: Threshold = Field(
        default=Threshold(warning=0.4, critical=0.75), description="a fall of 30 %"
    )
    assignment_shortfall: Threshold = Field(
        default=Threshold(warning=0.01, critical=0.5),
        description="part of the assignment cash that is not there",
    )
    unpriced_fraction: Threshold = Field(
        default=Threshold(warning=0.001, critical=0.5),
        description="positions without a usable price or greeks, of all positions",
    )
    snapshot_age_seconds: Threshold = Field(
        default=Threshold(warning=300, critical=1800), description="market seconds, while open"
    )
    clear_at: float = Field(
        default=0.9, gt=0, le=1, description="an alert is lowered below this part of its threshold"
    )

    def within(self, limits: Limits) -> AlertThresholds:
        """These thresholds for an account whose orders ``limits`` bind.

        Where a limit stops trading on a figure, the figure is critical by then: no scope's
        tighter limit is reached in silence.
        """
        return self.model_copy(
            update={
                "pm_usage": self.pm_usage.by(limits.max_pm_usage),
                "name_concentration": self.name_concentration.by(limits.max_name_fraction),
            }
        )


class Measure(Frozen):
    """One figure that is watched; ``value`` None when it cannot be told, which changes nothing."""

    kind: RiskAlertKind
    subject: str = Field(default="", description="name, sector or position; empty: the account")
    value: float | None
    threshold: Threshold
    title: str
    detail: str = Field(description="value and threshold in words")
    advice: str


class RiskAlert(Frozen):
    kind: RiskAlertKind
    subject: str
    severity: Severity
    value: float
    threshold: float = Field(description="the one that was crossed")
    title: str
    detail: str
    advice: str


class OpenRiskAlert(Frozen):
    kind: RiskAlertKind
    subject: str
    severity: Severity


class AlertTransitions(Frozen):
    """What changes; an alert that stays as it is is not mentioned."""

    raised: tuple[RiskAlert, ...] = ()
    changed: tuple[RiskAlert, ...] = Field(
        default=(), description="of another severity than before"
    )
    cleared: tuple[OpenRiskAlert, ...] = ()


def alert_transitions(
    open_alerts: Sequence[OpenRiskAlert],
    risk: RiskState,
    thresholds: AlertThresholds,
    market_now: datetime,
    *,
    is_open: bool,
) -> AlertTransitions:
    """What to raise, to change and to clear. ``is_open``: whether the market trades."""
    before = {(alert.kind, alert.subject): alert for alert in open_alerts}
    raised: list[RiskAlert] = []
    changed: list[RiskAlert] = []
    kept: set[tuple[RiskAlertKind, str]] = set()
    for measure in measures(risk, thresholds, market_now, is_open=is_open):
        key = (measure.kind, measure.subject)
        known = before.get(key)
        if measure.value is None:
            # Not knowing is no reason to think that the trouble is over.
            kept.add(key)
            continue
        severity = _severity(measure, known, thresholds.clear_at)
        if severity is None:
            continue
        kept.add(key)
        if known is None:
            raised.append(_alert(measure, severity))
        elif known.severity is not severity:
            changed.append(_alert(measure, severity))
    cleared = tuple(alert for key, alert in before.items() if key not in kept)
    return AlertTransitions(raised=tuple(raised), changed=tuple(changed), cleared=cleared)


def measures(
    risk: RiskState, thresholds: AlertThresholds, market_now: datetime, *, is_open: bool
) -> Iterator[Measure]:
    """Every figure that is watched, whatever its value."""
    yield _pm_usage(risk, thresholds.pm_usage)
    yield from _concentrations(risk, thresholds)
    yield from _illiquid(risk, thresholds)
    yield from _stress(risk, thresholds)
    yield _assignment_cash(risk, thresholds.assignment_shortfall)
    yield _data_quality(risk, thresholds.unpriced_fraction)
    if is_open:
        yield _stale_snapshot(risk, thresholds.snapshot_age_seconds, market_now)


def _pm_usage(risk: RiskState, threshold: Threshold) -> Measure:
    value = _float(risk.pm_usage)
    if value is None and risk.equity_with_loan <= 0 and risk.maint_margin > 0:
        value = 1.0  # margin is called for and there is nothing to meet it with
    return Measure(
        kind=RiskAlertKind.PM_USAGE,
        value=value,
        threshold=threshold,
        title="Margin usage is high",
        detail=f"Maintenance margin takes {_percent(value)} of equity "
        f"(limits {_limits(threshold)}).",
        advice="Open nothing new; close or roll down the positions that ask for most margin.",
    )


def _concentrations(risk: RiskState, thresholds: AlertThresholds) -> Iterator[Measure]:
    for name in risk.concentration:
        value = _float(name.fraction)
        yield Measure(
            kind=RiskAlertKind.NAME_CONCENTRATION,
            subject=name.symbol,
            value=value,
            threshold=thresholds.name_concentration,
            title=f"Much depends on {name.symbol}",
            detail=f"{name.symbol} stands for {_percent(value)} of the account "
            f"(limits {_limits(thresholds.name_concentration)}).",
            advice=f"Let positions in {name.symbol} run off or close some before adding.",
        )
    for sector in risk.sectors:
        if sector.sector == UNKNOWN_SECTOR:
            continue
        value = _float(sector.fraction)
        yield Measure(
            kind=RiskAlertKind.SECTOR_CONCENTRATION,
            subject=sector.sector,
            value=value,
            threshold=thresholds.sector_concentration,
            title=f"Much depends on the sector {sector.sector}",
            detail=f"{', '.join(sector.symbols)} together stand for {_percent(value)} of the "
            f"account (limits {_limits(thresholds.sector_concentration)}).",
            advice="Prefer names of other sectors for new trades.",
        )


def _illiquid(risk: RiskState, thresholds: AlertThresholds) -> Iterator[Measure]:
    """The worse of spread and size, each against its own threshold."""
    for each in risk.liquidity:
        value, threshold = each.spread_fraction, thresholds.spread_fraction
        words = f"the spread is {_percent(value)} of the price"
        size, of_size = each.size_fraction, thresholds.size_fraction
        if size is not None and size / of_size.warning > (value or 0.0) / threshold.warning:
            value, threshold = size, of_size
            words = f"the position is {_percent(size)} of the open interest"
        yield Measure(
            kind=RiskAlertKind.ILLIQUID,
            subject=each.key,
            value=value,
            threshold=threshold,
            title=f"{each.description} would be hard to get out of",
            detail=f"{each.description}: {words} (limits {_limits(threshold)}).",
            advice="Work limit orders near the middle, early; never a market order.",
        )


def _stress(risk: RiskState, thresholds: AlertThresholds) -> Iterator[Measure]:
    cells = (
        (RiskAlertKind.STRESS_LOSS, risk.stress.ordinary, thresholds.stress_loss, "A sharp move"),
        (RiskAlertKind.TAIL_LOSS, risk.stress.tail, thresholds.tail_loss, "A crash"),
    )
    for kind, cell, threshold, what in cells:
        equity = float(risk.equity)
        value = max(-cell.pnl, 0.0) / equity if equity > 0 else None
        yield Measure(
            kind=kind,
            value=value,
            threshold=threshold,
            title=f"{what} would cost much",
            detail=f"A move of {_signed(cell.spot_move)} with volatility {_signed(cell.vol_shift)} "
            f"would cost {_percent(value)} of the account (limits {_limits(threshold)}).",
            advice="Buy back the short options that lose most in it, or buy protection.",
        )


def _assignment_cash(risk: RiskState, threshold: Threshold) -> Measure:
    value = 0.0
    if risk.assignment_cash > 0:
        value = float(max(risk.assignment_cash - risk.cash, Decimal(0)) / risk.assignment_cash)
    return Measure(
        kind=RiskAlertKind.ASSIGNMENT_CASH,
        value=value,
        threshold=threshold,
        title="Assignment could not be paid in full",
        detail=f"Short puts call for {risk.assignment_cash:,.0f} {risk.currency} if all are "
        f"assigned; {_percent(value)} of it is not there (limits {_limits(threshold)}).",
        advice="Close puts or raise cash; assigned shares would be bought on margin.",
    )


def _data_quality(risk: RiskState, threshold: Threshold) -> Measure:
    poor = set(risk.unpriced_positions)
    poor.update(
        each.key
        for each in risk.liquidity
        if each.is_crossed or each.quality in (QuoteQuality.MISSING, QuoteQuality.DELAYED)
    )
    value = len(poor) / risk.positions_count if risk.positions_count else 0.0
    return Measure(
        kind=RiskAlertKind.DATA_QUALITY,
        value=value,
        threshold=threshold,
        title="Some positions have no sound price",
        detail=f"{len(poor)} of {risk.positions_count} positions: "
        f"{', '.join(sorted(poor)[:5]) or 'none'}. Their risk is in no sum.",
        advice="Check the market data subscriptions; read greeks and stress as too low.",
    )


def _stale_snapshot(risk: RiskState, threshold: Threshold, market_now: datetime) -> Measure:
    age = max((market_now - risk.as_of).total_seconds(), 0.0)
    return Measure(
        kind=RiskAlertKind.STALE_SNAPSHOT,
        value=age,
        threshold=threshold,
        title="The account's figures are old",
        detail=f"Account values were last read {age:.0f} s ago by market time "
        f"(limits {threshold.warning:.0f} s, {threshold.critical:.0f} s).",
        advice="Check the gateway's connection; orders are refused while figures are stale.",
    )


def _severity(measure: Measure, known: OpenRiskAlert | None, clear_at: float) -> Severity | None:
    """Rising counts at the threshold itself; falling only below ``clear_at`` of it."""
    assert measure.value is not None
    was_critical = known is not None and known.severity is Severity.CRITICAL
    critical = measure.threshold.critical * (clear_at if was_critical else 1.0)
    warning = measure.threshold.warning * (clear_at if known is not None else 1.0)
    if measure.value >= critical:
        return Severity.CRITICAL
    return Severity.WARNING if measure.value >= warning else None


def _alert(measure: Measure, severity: Severity) -> RiskAlert:
    assert measure.value is not None
    crossed: Mapping[Severity, float] = {
        Severity.WARNING: measure.threshold.warning,
        Severity.CRITICAL: measure.threshold.critical,
    }
    return RiskAlert(
        kind=measure.kind,
        subject=measure.subject,
        severity=severity,
        value=measure.value,
        threshold=crossed[severity],
        title=measure.title,
        detail=measure.detail,
        advice=measure.advice,
    )


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _percent(value: float | None) -> str:
    return "an unknown part" if value is None else f"{value:.0%}"


def _signed(value: float) -> str:
    return f"{value:+.0%}"


def _limits(threshold: Threshold) -> str:
    return f"{threshold.warning:.0%}, {threshold.critical:.0%}"
