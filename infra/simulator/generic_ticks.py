"""Generic ticks: what a market data request may ask for besides the quote."""

from __future__ import annotations

from infra.simulator.contracts import Security

LEGAL = {
    100: "Option Volume",
    101: "Option Open Interest",
    104: "Historical Volatility",
    105: "Average Opt Volume",
    106: "Implied Volatility",
    162: "Index Future Premium",
    165: "Misc. Stats",
    221: "Mark Price",
    225: "Auction",
    232: "Mark Price",
    233: "RTVolume",
    236: "Shortable",
    256: "Inventory",
    258: "Fundamental Ratios",
    292: "News",
    293: "Trade Count",
    294: "Trade Rate",
    295: "Volume Rate",
    318: "Last RTH Trade",
    370: "Participation Monitor",
    375: "RT Trade Volume",
    377: "CttTickTag",
    381: "IB Rate",
    384: "RfqTickRespTag",
    387: "DMM",
    388: "Issuer Fundamentals",
    391: "IBWarrantImpVolCompeteTick",
    407: "FuturesMargins",
    411: "RT Historical Volatility",
    428: "Monetary Close Price",
    439: "MonitorTickTag",
    456: "IB Dividends",
    459: "RTCLOSE",
    460: "Bond Factor Multiplier",
    499: "Fee and Rebate Rate",
    506: "midptiv",
    511: "hvolrt30",
    512: "hvolrt50",
    513: "hvolrt75",
    514: "hvolrt100",
    515: "hvolrt150",
    516: "hvolrt200",
    521: "fzmidptiv",
    545: "vsiv",
    576: "EtfNavBidAsk",
    577: "EtfNavLast",
    578: "EtfNavClose",
    584: "Average Opening Vol.",
    585: "Average Closing Vol.",
    586: "IPO price data",
    587: "Pl Price Delayed",
    588: "Futures Open Interest",
    595: "Short-Term Volume X Mins",
    614: "EtfNavMisc",
    619: "Creditman Slow Mark Price",
    623: "EtfFrozenNavLast",
}
"""What TWS takes for any kind of contract; most of it has no data here and is left unanswered."""
NO_TOP_OF_BOOK = "mdoff"


def parse(text: str, security: Security | None) -> frozenset[int]:
    """The generic ticks of a comma-separated list; ValueError names the one that is illegal."""
    wanted: set[int] = set()
    for entry in text.replace(" ", "").split(","):
        number = entry.partition(":")[0]  # news may name a provider: 292:BRFG
        if not number or number == NO_TOP_OF_BOOK:
            continue
        if not (number.isascii() and number.isdigit()) or int(number[:9]) not in LEGAL:
            kind = security.sec_type.value if security else "BAG"
            legal = ",".join(f"{tick}({name})" for tick, name in LEGAL.items())
            raise ValueError(
                f"Incorrect generic tick list of {text[:200]}. Legal ones for ({kind}) are: {legal}"
            )
        wanted.add(int(number))
    return frozenset(wanted)
