"""Every table of the desk."""

from infra.db.models.backtests import Backtest, BacktestSweep
from infra.db.models.base import Base
from infra.db.models.clients import (
    BrokerAccount,
    Client,
    ConnectionState,
    Gateway,
    GatewayKind,
    Portfolio,
)
from infra.db.models.identity import (
    ApiToken,
    Membership,
    RecoveryCode,
    Role,
    Session,
    TokenScope,
    User,
)
from infra.db.models.limits import LimitVersion
from infra.db.models.market import (
    EarningsDate,
    HistoryDay,
    IbkrContract,
    Instrument,
    Quote,
    RecordedChain,
    UnderlyingFact,
)
from infra.db.models.notifications import Notification, NotificationChannel
from infra.db.models.portfolio import AccountSnapshot, Position
from infra.db.models.reconciliation import (
    CorporateAction,
    Discrepancy,
    ExternalOrder,
    PositionEvent,
    ReconciledPosition,
)
from infra.db.models.stopping import KillSwitch, KillSwitchTrade, TradingStateChange
from infra.db.models.strategies import (
    Opportunity,
    RunMode,
    RunStatus,
    Signal,
    Strategy,
    StrategyConfigVersion,
    StrategyInstance,
    StrategyRun,
    StrategyVersion,
)
from infra.db.models.system import Alert, AlertState, AuditEvent, AuditLink, Setting, Severity
from infra.db.models.trading import (
    Approval,
    Decision,
    Execution,
    Order,
    OrderEvent,
    Recommendation,
)

__all__ = [
    "AccountSnapshot",
    "Alert",
    "AlertState",
    "ApiToken",
    "Approval",
    "AuditEvent",
    "AuditLink",
    "Backtest",
    "BacktestSweep",
    "Base",
    "BrokerAccount",
    "Client",
    "ConnectionState",
    "CorporateAction",
    "Decision",
    "Discrepancy",
    "EarningsDate",
    "Execution",
    "ExternalOrder",
    "Gateway",
    "GatewayKind",
    "HistoryDay",
    "IbkrContract",
    "Instrument",
    "KillSwitch",
    "KillSwitchTrade",
    "LimitVersion",
    "Membership",
    "Notification",
    "NotificationChannel",
    "Opportunity",
    "Order",
    "OrderEvent",
    "Portfolio",
    "Position",
    "PositionEvent",
    "Quote",
    "Recommendation",
    "ReconciledPosition",
    "RecordedChain",
    "RecoveryCode",
    "Role",
    "RunMode",
    "RunStatus",
    "Session",
    "Setting",
    "Severity",
    "Signal",
    "Strategy",
    "StrategyConfigVersion",
    "StrategyInstance",
    "StrategyRun",
    "StrategyVersion",
    "TokenScope",
    "TradingStateChange",
    "UnderlyingFact",
    "User",
]
