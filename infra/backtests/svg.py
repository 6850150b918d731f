"""Small line, area and bar charts as inline SVG, coloured by the page's own style sheet.

Axes and figures are drawn in user units of a fixed view box, so a chart scales with its page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

WIDTH, HEIGHT = 900, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 10, 22
MOST_POINTS = 600

Value = float | None
Words = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Line:
    """A named series; ``style`` is a class of the page's style sheet."""

    name: str
    values: Sequence[Value]
    style: str = "first"
    filled: bool = False


def money(value: float) -> str:
    return f"{value:,.0f}"


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def line_chart(label: str, days: Sequence[date], lines: Sequence[Line], words: Words) -> str:
    """Lines over days; an area from zero where a line is ``filled``."""
    known = [value for line in lines for value in line.values if value is not None]
    if len(days) < 2 or not known:
        return '<p class="none">Not enough days for a chart.</p>'
    zero = any(line.filled for line in lines)
    frame = _Frame.around(known, zero=zero)
    kept = _kept(lines, len(days))
    parts = [frame.axis(words), _days(days)]
    for line in lines:
        path = _path(line, kept, len(days), frame)
        if line.filled:
            parts.append(f'<path class="area {line.style}" d="{path}"/>')
        else:
            parts.append(f'<path class="line {line.style}" d="{path}"/>')
    return _svg(label, parts) + _legend(lines)


def bar_chart(label: str, values: Sequence[float], titles: Sequence[str], words: Words) -> str:
    """One bar per value from zero, losses in their own colour; ``titles`` show on hover."""
    if not values:
        return '<p class="none">Nothing to show.</p>'
    frame = _Frame.around(values, zero=True)
    room = (WIDTH - _LEFT - _RIGHT) / len(values)
    zero = frame.y(0.0)
    parts = [frame.axis(words)]
    for number, (value, title) in enumerate(zip(values, titles, strict=True)):
        y = frame.y(value)
        top, height = min(y, zero), max(abs(y - zero), 0.5)
        parts.append(
            f'<rect class="{"gain" if value >= 0 else "loss"}" x="{_LEFT + number * room:.1f}" '
            f'y="{top:.1f}" width="{max(room * 0.8, 0.5):.1f}" height="{height:.1f}">'
            f"<title>{escape(title)}</title></rect>"
        )
    return _svg(label, parts)


@dataclass(frozen=True, slots=True)
class _Frame:
    """The value axis: from ``low`` to ``high`` in steps."""

    low: float
    high: float
    step: float

    @classmethod
    def around(cls, values: Sequence[float], *, zero: bool) -> _Frame:
        low, high = min(values), max(values)
        if zero:
            low, high = min(low, 0.0), max(high, 0.0)
        if high <= low:
            high = low + (abs(low) * 0.01 or 1.0)
        step = _round_step((high - low) / 4)
        return cls(math.floor(low / step) * step, math.ceil(high / step) * step, step)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)

    def axis(self, words: Words) -> str:
        parts: list[str] = []
        for number in range(round((self.high - self.low) / self.step) + 1):
            value = self.low + number * self.step
            y = self.y(value)
            parts.append(
                f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" '
                f'y2="{y:.1f}"/><text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
                f"{escape(words(value))}</text>"
            )
        return "".join(parts)


def _round_step(rough: float) -> float:
    size = 10.0 ** math.floor(math.log10(rough))
    return next(step * size for step in (1, 2, 2.5, 5, 10) if step * size >= rough * 0.999)


def _x(place: int, count: int) -> float:
    return _LEFT + place / (count - 1) * (WIDTH - _LEFT - _RIGHT)


def _kept(lines: Sequence[Line], count: int) -> list[int]:
    """The places that are drawn: all of them, or the extremes of every stretch."""
    if count <= MOST_POINTS:
        return list(range(count))
    stretches = MOST_POINTS // 4
    kept = {0, count - 1}
    for number in range(stretches):
        places = range(number * count // stretches, (number + 1) * count // stretches)
        for line in lines:
            known = [place for place in places if line.values[place] is not None]
            if known:
                kept.add(min(known, key=lambda place: line.values[place] or 0.0))
                kept.add(max(known, key=lambda place: line.values[place] or 0.0))
    return sorted(kept)


def _path(line: Line, kept: Sequence[int], count: int, frame: _Frame) -> str:
    """Where a value is not known the line has a gap."""
    parts: list[str] = []
    pen_down = False
    drawn = [place for place in kept if line.values[place] is not None]
    for place in kept:
        value = line.values[place]
        if value is None:
            pen_down = False
            continue
        parts.append(f"{'L' if pen_down else 'M'}{_x(place, count):.1f} {frame.y(value):.1f}")
        pen_down = True
    if line.filled and drawn:
        base = frame.y(0.0)
        first, last = _x(drawn[0], count), _x(drawn[-1], count)
        parts.append(f"L{last:.1f} {base:.1f}L{first:.1f} {base:.1f}Z")
    return "".join(parts)


def _days(days: Sequence[date]) -> str:
    marks = min(6, len(days))
    places = [round(number * (len(days) - 1) / (marks - 1)) for number in range(marks)]
    return "".join(
        f'<text x="{_x(place, len(days)):.1f}" y="{HEIGHT - 6}" '
        f'text-anchor="{_anchor(place, len(days))}">{days[place].isoformat()}</text>'
        for place in places
    )


def _anchor(place: int, count: int) -> str:
    return {0: "start", count - 1: "end"}.get(place, "middle")


def _legend(lines: Sequence[Line]) -> str:
    if len(lines) < 2:
        return ""
    named = "".join(
        f'<span><i class="{line.style}"></i>{escape(line.name)}</span>' for line in lines
    )
    return f'<p class="legend">{named}</p>'


def _svg(label: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"<title>{escape(label)}</title>{''.join(parts)}</svg>"
    )
