"""How good the shown quotes are: live, late, stuck, crossed, one-sided, or not granted at all.

Quality concerns what a client is shown. The market behind it goes on: orders meet its true quotes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from infra.simulator.contracts import Security
from infra.simulator.market import Market, Quote

EVERYTHING = "*"
DELAY = timedelta(minutes=15)
RANDOM_PERIOD_SECONDS = 60
"""Random faults of a contract's quotes last this long, in market seconds."""
LIVE, FROZEN, DELAYED, DELAYED_FROZEN = 1, 2, 3, 4
_SALT = 12


class Quality(StrEnum):
    LIVE = "live"
    DELAYED = "delayed"
    """Only late data are granted: 15 minutes old, under tick types of their own."""
    UNSUBSCRIBED = "unsubscribed"
    """Nothing is granted (error 354)."""
    FROZEN = "frozen"
    """The last values, and the client is told so (type 2)."""
    STALE = "stale"
    """Values stop changing, and nobody says so."""
    CROSSED = "crossed"
    NO_BID = "no_bid"
    NO_ASK = "no_ask"
    NONE = "none"


RANDOM_KINDS = (Quality.STALE, Quality.CROSSED, Quality.NO_BID, Quality.NO_ASK, Quality.NONE)


@dataclass(frozen=True, slots=True)
class Spell:
    """One quality for a while; ``since`` is also the moment at which stuck quotes stand."""

    quality: Quality
    since: datetime
    until: datetime | None = None


class QualityBoard:
    """The quality of every contract's quotes; live unless told otherwise.

    ``rate`` is the chance that a contract's quotes are faulty in a given minute, drawn from the
    market's seed.
    """

    def __init__(self, market: Market, now: Callable[[], datetime], rate: float = 0.0) -> None:
        self._market = market
        self._now = now
        self._rate = rate
        self._spells: dict[str | int, list[Spell]] = {}

    def set(
        self,
        target: str | int,
        quality: Quality | str,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> None:
        """Give a symbol (its options included), one contract id, or ``*`` a quality for a while.

        By default from now on. Later words on the same target prevail; a contract's own prevail
        over its symbol's, and those over ``*``.
        """
        spell = Spell(Quality(quality), since or self._now(), until)
        self._spells.setdefault(target, []).append(spell)

    def clear(self) -> None:
        """Everything is live again."""
        self._spells.clear()

    def spell(self, security: Security, at: datetime) -> Spell:
        """What holds for a contract at ``at``."""
        for target in (security.con_id, security.symbol, EVERYTHING):
            for spell in reversed(self._spells.get(target, [])):
                if spell.since <= at and (spell.until is None or at < spell.until):
                    return spell
        return self._random(security, at)

    def granted(self, securities: Sequence[Security], asked: int, at: datetime) -> int | None:
        """The market data type a request gets (1 to 4), None when it gets nothing."""
        found = {self.spell(s, at).quality for s in securities}
        if Quality.UNSUBSCRIBED in found:
            return None
        if Quality.DELAYED in found:
            return asked if asked in {DELAYED, DELAYED_FROZEN} else None
        if Quality.FROZEN in found:
            return FROZEN
        # Live data are granted whatever delay was asked for, as where one is entitled to them.
        return {DELAYED: LIVE, DELAYED_FROZEN: FROZEN}.get(asked, asked)

    def delayed_available(self, securities: Sequence[Security], at: datetime) -> bool:
        return Quality.UNSUBSCRIBED not in {self.spell(s, at).quality for s in securities}

    def shown(self, securities: Sequence[Security], at: datetime) -> list[Quote]:
        """The quotes as they are shown at ``at``, in the order asked."""
        live = self._market.quotes(securities, at)
        return [self._shown(s, q, at) for s, q in zip(securities, live, strict=True)]

    def moment_shown(self, securities: Sequence[Security], at: datetime) -> datetime:
        """The market time that the shown quotes are of."""
        return min(self._moment(self.spell(s, at), at) for s in securities)

    def _moment(self, spell: Spell, at: datetime) -> datetime:
        if spell.quality in {Quality.STALE, Quality.FROZEN}:
            return spell.since
        return at - DELAY if spell.quality is Quality.DELAYED else at

    def _shown(self, security: Security, live: Quote, at: datetime) -> Quote:
        spell = self.spell(security, at)
        match spell.quality:
            case Quality.DELAYED | Quality.STALE | Quality.FROZEN:
                return self._market.quote(security, self._moment(spell, at))
            case Quality.CROSSED if live.bid > 0:
                return replace(live, bid=live.ask, ask=live.bid)
            case Quality.NO_BID:
                return replace(live, bid=0.0, bid_size=0)
            case Quality.NO_ASK:
                return replace(live, ask=0.0, ask_size=0)
            case Quality.NONE:
                return replace(live, bid=0.0, bid_size=0, ask=0.0, ask_size=0)
            case _:
                return live

    def _random(self, security: Security, at: datetime) -> Spell:
        period = int(at.timestamp()) // RANDOM_PERIOD_SECONDS
        since = datetime.fromtimestamp(period * RANDOM_PERIOD_SECONDS, at.tzinfo)
        if self._rate > 0:
            seed = [self._market.seed, _SALT, security.con_id, period]
            rng = np.random.default_rng(seed)
            if rng.random() < self._rate:
                return Spell(RANDOM_KINDS[int(rng.integers(len(RANDOM_KINDS)))], since)
        return Spell(Quality.LIVE, since)
