"""Whether the desk can do its work, part by part, and what to do where it cannot."""

from infra.health.checks import Check, HealthState, overall
from infra.health.desk import desk_health

__all__ = ["Check", "HealthState", "desk_health", "overall"]
