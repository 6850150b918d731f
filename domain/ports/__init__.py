"""What the verbs of the desk need from the world, as protocols. Adapters live in ``infra``."""

from __future__ import annotations

from domain.ports.broker import (
    Broker,
    BrokerBooks,
    BrokerContract,
    BrokerExecution,
    BrokerLeg,
    BrokerOrder,
    BrokerPosition,
    ChainReading,
    IndexLevel,
    RefusedMessage,
    WhatIf,
)
from domain.ports.facts import FactsDue, FactsReading, FactsStore
from domain.ports.ingestion import (
    IngestionStore,
    MarketPlan,
    PlannedChain,
    SyncCounts,
)
from domain.ports.orders import (
    Judgement,
    OrderLedger,
    OrderRecord,
    OrderWatch,
    TradeContext,
)
from domain.ports.recommendations import (
    DeadlineCheck,
    DecisionDelivery,
    RecommendationBacklog,
    RecommendationBrief,
    RecommendationStore,
    UndeliveredDecision,
)
from domain.ports.strategies import (
    DryRunFindings,
    DryRunRequest,
    DryRunStore,
    DryTrade,
    RunOutcome,
    RunPlan,
    StrategyStore,
)

__all__ = [
    "Broker",
    "BrokerBooks",
    "BrokerContract",
    "BrokerExecution",
    "BrokerLeg",
    "BrokerOrder",
    "BrokerPosition",
    "ChainReading",
    "DeadlineCheck",
    "DecisionDelivery",
    "DryRunFindings",
    "DryRunRequest",
    "DryRunStore",
    "DryTrade",
    "FactsDue",
    "FactsReading",
    "FactsStore",
    "IndexLevel",
    "IngestionStore",
    "Judgement",
    "MarketPlan",
    "OrderLedger",
    "OrderRecord",
    "OrderWatch",
    "PlannedChain",
    "RecommendationBacklog",
    "RecommendationBrief",
    "RecommendationStore",
    "RefusedMessage",
    "RunOutcome",
    "RunPlan",
    "StrategyStore",
    "SyncCounts",
    "TradeContext",
    "UndeliveredDecision",
    "WhatIf",
]
