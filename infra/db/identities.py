"""Who of the desk's people an identity provider means. The caller commits."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.errors import ErrorCode, GreenlightError
from infra.db.audit import Actor, audit
from infra.db.models import User, UserIdentity
from infra.db.users import NewUser, create_user
from infra.oidc import Identity


async def person_of(
    session: AsyncSession,
    identity: Identity,
    now: datetime,
    by: Actor,
    *,
    password_hash_of_new: str | None,
) -> User:
    """The person of an identity; at the first sign-in found by an e-mail that was verified there.

    From then on the provider's own name for them counts, whatever their e-mail becomes. Somebody
    unknown is made a user without any role where ``password_hash_of_new`` is given. Raises
    GreenlightError SIGN_IN_REFUSED for who is unknown, inactive, or somebody else there already.
    """
    linked = await session.scalar(
        select(User)
        .join(UserIdentity, UserIdentity.user_id == User.id)
        .where(UserIdentity.issuer == identity.issuer, UserIdentity.subject == identity.subject)
    )
    user = linked or await _by_email(session, identity, now, by, password_hash_of_new)
    if not user.is_active:
        raise _refused("the person is not active here")
    return user


async def _by_email(
    session: AsyncSession,
    identity: Identity,
    now: datetime,
    by: Actor,
    password_hash_of_new: str | None,
) -> User:
    if identity.email is None:
        raise _refused("the provider has not verified an e-mail of this person")
    user = await session.scalar(select(User).where(User.email == identity.email).with_for_update())
    if user is None:
        if password_hash_of_new is None:
            raise _refused("nobody here has the e-mail that the provider says")
        wanted = NewUser(email=identity.email, name=identity.name[:120])
        user = await create_user(session, wanted, password_hash_of_new, now, by)
    link = insert(UserIdentity).values(
        id=uuid7(), user_id=user.id, issuer=identity.issuer, subject=identity.subject
    )
    made = await session.execute(link.on_conflict_do_nothing().returning(UserIdentity.id))
    if made.one_or_none() is None:
        raise _refused("this person is somebody else at the provider")
    after = {"issuer": identity.issuer, "subject": identity.subject}
    audit(session, by, "user.identity_linked", "user", user.id, after=after)
    return user


def _refused(why: str) -> GreenlightError:
    return GreenlightError(ErrorCode.SIGN_IN_REFUSED, why)
