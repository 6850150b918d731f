"""Which passwords are good enough."""

from __future__ import annotations

from collections.abc import Iterable

from domain.errors import ErrorCode, GreenlightError

MIN_LENGTH = 12
MAX_LENGTH = 1024

# Of zxcvbn's 0..4: "safely unguessable: moderate protection from an offline slow-hash attack".
_LEAST_SCORE = 3
# What it takes grows faster than the length; what follows can only make a password stronger.
_LONGEST_JUDGED = 72
_OF_THE_DESK = ("greenlight", "ibkr", "interactive", "brokers", "trading", "options")


def require_good_password(password: str, about: Iterable[str] = ()) -> None:
    """Raise GreenlightError WEAK_PASSWORD for a password that is short or easily guessed.

    No rules of composition: length, and zxcvbn's judgement over its lists of leaked passwords,
    words and names (30,000 passwords of public breaches among them), with ``about`` (the person's
    name and e-mail) and the desk's own words counted as known to an attacker.
    """
    if len(password) < MIN_LENGTH:
        raise _weak(f"a password needs at least {MIN_LENGTH} characters")
    # Imported late: its word lists take half a second to load and few processes judge passwords.
    from zxcvbn import zxcvbn  # noqa: PLC0415

    known = [*_OF_THE_DESK, *(part for each in about for part in _parts(each))]
    judged = zxcvbn(password[:_LONGEST_JUDGED], user_inputs=known)
    if judged["score"] < _LEAST_SCORE:
        warning = judged["feedback"]["warning"] or "It is made of words an attacker tries first."
        raise _weak(f"this password is easily guessed. {warning}")


def _parts(text: str) -> list[str]:
    words = text.replace("@", " ").replace(".", " ").replace("_", " ").split()
    return [text, *(word for word in words if len(word) > 2)]


def _weak(detail: str) -> GreenlightError:
    return GreenlightError(ErrorCode.WEAK_PASSWORD, detail, field="password")
