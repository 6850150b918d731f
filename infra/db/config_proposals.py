"""Changes of a configuration that wait for a second person, where the client asks for one.

A proposal changes nothing. Somebody else who may configure the strategy approves it, and only
then is it in force; others reject it, and whoever proposed it may withdraw it. The caller commits.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from infra.db.approvals import holds
from infra.db.audit import Actor, audit
from infra.db.models import (
    ConfigProposal,
    Portfolio,
    ProposalState,
    StrategyInstance,
    User,
)
from infra.db.queries.viewer import CONFIGURING_ROLES
from infra.db.strategy_configs import (
    ENTITY,
    ConfigChange,
    lock_instance,
    put_in_force,
    require_based_on,
    validated,
    version_in_force,
)


async def pending_proposal(session: AsyncSession, instance_id: UUID) -> ConfigProposal | None:
    return await session.scalar(
        select(ConfigProposal).where(
            ConfigProposal.strategy_instance_id == instance_id,
            ConfigProposal.state == ProposalState.PENDING,
        )
    )


async def propose_config(
    session: AsyncSession, instance_id: UUID, change: ConfigChange, actor: Actor
) -> ConfigProposal:
    """Put a change on record for somebody else to approve.

    Repeating it with its own key gives the proposal it made. Raises GreenlightError as
    ``change_config`` does, and CONFIG_CHANGE_PENDING while another waits.
    """
    instance = await lock_instance(session, instance_id)
    config = await validated(session, instance.strategy_version_id, change.config)
    known = await session.scalar(
        select(ConfigProposal).where(
            ConfigProposal.user_id == actor.user_id,
            ConfigProposal.idempotency_key == change.idempotency_key,
        )
    )
    if known is not None:
        if known.strategy_instance_id != instance_id or known.config != config:
            raise GreenlightError(
                ErrorCode.IDEMPOTENCY_KEY_REUSED, "this key recorded another configuration before"
            )
        return known
    require_based_on(await version_in_force(session, instance_id), change.based_on)
    if await pending_proposal(session, instance_id) is not None:
        raise GreenlightError(ErrorCode.CONFIG_CHANGE_PENDING, "another change waits already")
    proposal = ConfigProposal(
        strategy_instance_id=instance_id,
        based_on=change.based_on,
        config=config,
        user_id=actor.user_id,
        author=actor.name,
        reason=change.reason,
        idempotency_key=change.idempotency_key,
    )
    session.add(proposal)
    # Whoever watches the strategy is told.
    instance.updated_at = func.now()
    await session.flush()
    audit(
        session, actor, "strategy.change_proposed", ENTITY, instance_id,
        before={"version": change.based_on, "config": dict(instance.config)},
        after={"proposal": str(proposal.id), "config": config, "reason": change.reason},
    )  # fmt: skip
    return proposal


async def approve_proposal(
    session: AsyncSession, instance_id: UUID, proposal_id: UUID, actor: Actor, now: datetime
) -> int:
    """Put a proposal in force by a second person and return the version it became.

    Approving it again does nothing. Raises GreenlightError NOT_FOUND, SECOND_APPROVER_REQUIRED to
    whoever proposed it, FORBIDDEN where they may not configure it any more, ILLEGAL_TRANSITION once
    it has ended, CONFIG_CHANGED where the configuration has changed since, or CONFIG_INVALID.
    """
    instance = await lock_instance(session, instance_id)
    proposal = await _found(session, instance_id, proposal_id)
    if proposal.state is ProposalState.APPROVED and proposal.decided_by_id == actor.user_id:
        assert proposal.version is not None, "an approved proposal is a version"
        return proposal.version
    _require_pending(proposal)
    if proposal.user_id == actor.user_id:
        raise GreenlightError(
            ErrorCode.SECOND_APPROVER_REQUIRED, "somebody else approves what you have proposed"
        )
    await _require_still_configuring(session, instance, proposal)
    version = await version_in_force(session, instance_id)
    require_based_on(version, proposal.based_on)
    # What was valid when proposed may not be by now.
    config = await validated(session, instance.strategy_version_id, proposal.config)
    change = ConfigChange(
        config=config,
        based_on=proposal.based_on,
        reason=proposal.reason,
        idempotency_key=proposal.idempotency_key,
    )
    author = Actor(name=proposal.author, user_id=proposal.user_id)
    made = await put_in_force(session, instance, change, author, approved_by=actor)
    proposal.version = made
    _decide(proposal, ProposalState.APPROVED, actor, now)
    await session.flush()
    return made


async def reject_proposal(
    session: AsyncSession,
    instance_id: UUID,
    proposal_id: UUID,
    actor: Actor,
    reason: str,
    now: datetime,
) -> None:
    """Reject a proposal, or withdraw it where it is one's own. Doing so again does nothing."""
    instance = await lock_instance(session, instance_id)
    proposal = await _found(session, instance_id, proposal_id)
    own = proposal.user_id == actor.user_id
    end = ProposalState.WITHDRAWN if own else ProposalState.REJECTED
    if proposal.state is end and proposal.decided_by_id == actor.user_id:
        return
    _require_pending(proposal)
    _decide(proposal, end, actor, now)
    proposal.decision_reason = reason
    instance.updated_at = func.now()
    audit(
        session, actor, f"strategy.change_{end.lower()}", ENTITY, instance_id,
        before={"proposal": str(proposal.id), "config": proposal.config, "by": proposal.author},
        after={"reason": reason},
    )  # fmt: skip
    await session.flush()


async def _found(session: AsyncSession, instance_id: UUID, proposal_id: UUID) -> ConfigProposal:
    proposal = await session.get(ConfigProposal, proposal_id)
    if proposal is None or proposal.strategy_instance_id != instance_id:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such change")
    return proposal


async def _require_still_configuring(
    session: AsyncSession, instance: StrategyInstance, proposal: ConfigProposal
) -> None:
    """Whoever lost the role meanwhile has proposed nothing: it would be one person's change."""
    may = holds(CONFIGURING_ROLES, User.id, Portfolio.id, Portfolio.client_id)
    statement = (
        select(may)
        .select_from(Portfolio)
        .join(User, User.id == proposal.user_id)
        .where(Portfolio.id == instance.portfolio_id)
    )
    if not await session.scalar(statement):
        raise GreenlightError(
            ErrorCode.FORBIDDEN, f"{proposal.author} may not configure this strategy any more"
        )


def _require_pending(proposal: ConfigProposal) -> None:
    if proposal.state is not ProposalState.PENDING:
        raise GreenlightError(
            ErrorCode.ILLEGAL_TRANSITION, f"the change is {proposal.state} already"
        )


def _decide(proposal: ConfigProposal, state: ProposalState, actor: Actor, now: datetime) -> None:
    proposal.state = state
    proposal.decided_by_id, proposal.decided_by = actor.user_id, actor.name
    proposal.decided_at = now
