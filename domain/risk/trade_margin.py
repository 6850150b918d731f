"""What a trade does to an account's margin, as told: the record of our own estimate."""

from __future__ import annotations

from pydantic import Field

from domain.instruments import Frozen


class MarginStep(Frozen):
    """One requirement before and after a trade, in the currency of the prices."""

    before: float
    after: float
    change: float


class TradeMargin(Frozen):
    """Our own estimate of a trade's margin, to set beside the broker's preview, which governs.

    Of the trade's product group alone: neither method offsets one group against another, so the
    change is that of the whole account.
    """

    is_estimate: bool = True
    group: str = Field(description="the product group the amounts are of")
    reg_t_initial: MarginStep
    reg_t_maintenance: MarginStep
    portfolio_initial: MarginStep = Field(description="in the manner of TIMS")
    portfolio_maintenance: MarginStep
    left_out: tuple[str, ...] = Field(
        description="keys of positions of the group that could not be priced: in no amount"
    )
