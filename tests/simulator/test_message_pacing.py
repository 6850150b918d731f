from __future__ import annotations

from infra.simulator.message_pacing import MessageAllowance


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_client_at_45_messages_a_second_is_never_too_fast():
    """As ib_async sends them: all at once, second after second, and some are taken late."""
    clock = Hand()
    allowance = MessageAllowance(clock)
    for second in range(6):
        late = 0.6 if second % 2 == 0 else 0.0
        for number in range(45):
            clock.now = 1000.0 + second + late * number / 45
            assert not allowance.exceeded(50)


def test_of_messages_sent_too_fast_only_the_first_is_answered():
    allowance = MessageAllowance(Hand())
    answered = [allowance.exceeded(50) for _ in range(60)]
    assert answered.index(True) == 50
    assert answered.count(True) == 1


def test_a_pause_restores_the_allowance_and_no_more():
    clock = Hand()
    allowance = MessageAllowance(clock)
    for _ in range(55):
        allowance.exceeded(50)
    clock.now += 60
    assert [allowance.exceeded(50) for _ in range(51)].index(True) == 50


def test_no_limit_is_never_exceeded():
    allowance = MessageAllowance(Hand())
    assert not any(allowance.exceeded(0) for _ in range(1000))
