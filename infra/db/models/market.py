"""Instruments as we identify them, IBKR's contracts behind them, and recorded chains."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.instruments import Right, SecType
from domain.market import QuoteQuality
from infra.db.models.base import Base, Price, enum_column


class Instrument(Base):
    """An underlying or an option. ``key`` is our own identity, see ``domain.instruments``."""

    __tablename__ = "instruments"
    __table_args__ = (
        CheckConstraint(
            "(sec_type = 'OPT') = (expiry IS NOT NULL AND strike IS NOT NULL "
            'AND "right" IS NOT NULL AND underlying_id IS NOT NULL)',
            name="options_are_complete",
        ),
        CheckConstraint("multiplier > 0", name="multiplier_positive"),
    )

    key: Mapped[str] = mapped_column(unique=True)
    sec_type: Mapped[SecType] = mapped_column(enum_column(SecType))
    symbol: Mapped[str] = mapped_column(index=True, comment="underlying symbol")
    currency: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    multiplier: Mapped[Decimal] = mapped_column(Price)
    underlying_id: Mapped[UUID | None] = mapped_column(ForeignKey("instruments.id"), index=True)
    trading_class: Mapped[str | None]
    expiry: Mapped[date | None] = mapped_column(index=True)
    strike: Mapped[Decimal | None] = mapped_column(Price)
    right: Mapped[Right | None] = mapped_column(enum_column(Right))

    contract: Mapped[IbkrContract | None] = relationship(back_populates="instrument")

    def __str__(self) -> str:
        if self.sec_type is not SecType.OPTION:
            return self.symbol
        return f"{self.symbol} {self.expiry} {self.strike:g} {self.right}"


class IbkrContract(Base):
    """IBKR's conId and own fields, kept as they were when the instrument was first traded."""

    __tablename__ = "ibkr_contracts"

    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"), unique=True)
    con_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    sec_type: Mapped[SecType] = mapped_column(enum_column(SecType))
    symbol: Mapped[str]
    local_symbol: Mapped[str]
    trading_class: Mapped[str]
    exchange: Mapped[str]
    primary_exchange: Mapped[str]
    currency: Mapped[str]
    multiplier: Mapped[Decimal] = mapped_column(Price)
    min_tick: Mapped[Decimal] = mapped_column(Price)
    increments: Mapped[dict[str, Any]] = mapped_column(comment="PriceIncrements")
    valid_exchanges: Mapped[list[Any]]
    market_rule_ids: Mapped[list[Any]]
    time_zone: Mapped[str] = mapped_column(default="")

    instrument: Mapped[Instrument] = relationship(back_populates="contract")

    def __str__(self) -> str:
        return f"{self.local_symbol} ({self.con_id})"


class Quote(Base):
    """The latest look at an instrument's market; one row per instrument, written over."""

    __tablename__ = "quotes"

    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"), unique=True)
    as_of: Mapped[datetime] = mapped_column(comment="market time")
    quality: Mapped[QuoteQuality] = mapped_column(enum_column(QuoteQuality))
    bid: Mapped[Decimal | None] = mapped_column(Price)
    ask: Mapped[Decimal | None] = mapped_column(Price)
    underlying_price: Mapped[Decimal | None] = mapped_column(Price)
    iv: Mapped[float | None] = mapped_column(comment="annualised, decimal")
    delta: Mapped[float | None]
    volume: Mapped[float | None]
    open_interest: Mapped[float | None]
    grade: Mapped[str | None] = mapped_column(comment="QuoteCode by name; null: not graded")
    forward: Mapped[float | None] = mapped_column(comment="to expiry, by put-call parity")
    rate: Mapped[float | None] = mapped_column(comment="annualised; that of the forward")

    instrument: Mapped[Instrument] = relationship()

    def __str__(self) -> str:
        return f"{self.bid} / {self.ask} at {self.as_of:%Y-%m-%d %H:%M}"


class RecordedChain(Base):
    """One option chain as a strategy saw it: the ground for every why and why-not.

    ``columns`` is the gzip-compressed JSON of ``domain.market.OptionChain``.
    """

    __tablename__ = "recorded_chains"
    __table_args__ = (Index("ix_recorded_chains_instrument_as_of", "instrument_id", "as_of"),)

    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"))
    gateway_id: Mapped[UUID] = mapped_column(ForeignKey("gateways.id"))
    as_of: Mapped[datetime]
    underlying_price: Mapped[Decimal] = mapped_column(Price)
    contracts: Mapped[int]
    columns: Mapped[bytes] = mapped_column(LargeBinary)

    def __str__(self) -> str:
        return f"{self.contracts} contracts at {self.as_of:%Y-%m-%d %H:%M}"


class HistoryDay(Base):
    """One completed session of an underlying: its first price and official close, adjusted for
    splits, and the 30-day implied volatility at its end (annualised, decimal)."""

    __tablename__ = "daily_history"
    __table_args__ = (UniqueConstraint("instrument_id", "day"),)

    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"))
    day: Mapped[date] = mapped_column(comment="exchange date")
    open: Mapped[Decimal | None] = mapped_column(
        Price, comment="what index options that settle in the morning are worth goes by it"
    )
    close: Mapped[Decimal | None] = mapped_column(Price)
    iv: Mapped[float | None] = mapped_column(comment="annualised, decimal")

    instrument: Mapped[Instrument] = relationship()

    def __str__(self) -> str:
        return f"{self.day}: {self.close}"


class UnderlyingFact(Base):
    """What the broker tells of an underlying beyond its quote, and how far its history is read."""

    __tablename__ = "underlying_facts"

    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"), unique=True)
    sector: Mapped[str] = mapped_column(default="", comment="IBKR's industry")
    stock_type: Mapped[str] = mapped_column(default="", comment="COMMON, ETF, INDEX, …")
    dividends_read_on: Mapped[date | None] = mapped_column(comment="exchange date; null: untold")
    dividend_next_12_months: Mapped[Decimal | None] = mapped_column(Price)
    dividend_ex_date: Mapped[date | None]
    dividend_amount: Mapped[Decimal | None] = mapped_column(Price)
    prices_to: Mapped[date | None] = mapped_column(comment="last session read")
    volatility_to: Mapped[date | None] = mapped_column(comment="last session read")
    refused_at: Mapped[datetime | None] = mapped_column(
        comment="market time, if the broker refused a part of the last reading"
    )

    instrument: Mapped[Instrument] = relationship()

    def __str__(self) -> str:
        return f"{self.sector or 'no sector'}, history to {self.prices_to}"


class EarningsDate(Base):
    """A day on which a company announces its earnings, from a calendar that a person brought."""

    __tablename__ = "earnings_dates"
    __table_args__ = (
        UniqueConstraint("symbol", "day"),
        CheckConstraint("known_to >= day", name="known_to_not_before_day"),
    )

    symbol: Mapped[str]
    day: Mapped[date] = mapped_column(comment="exchange date")
    known_to: Mapped[date] = mapped_column(comment="no other announcement until then")

    def __str__(self) -> str:
        return f"{self.symbol} on {self.day}"
