"""What stands in somebody's way on a page, as far as axe can tell, in both themes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
Theme = Literal["light", "dark"]
RULES: dict[Theme, dict[str, Any]] = {
    "light": {},
    # The same elements in other colours.
    "dark": {"runOnly": ["color-contrast", "link-in-text-block"]},
}
AT_REST = """
theme => document.documentElement.dataset.mantineColorScheme === theme
    && document.getAnimations().every(each =>
        each.playState !== 'running' || each.effect.getComputedTiming().endTime === Infinity)
"""
"""The theme is on, and whatever changes colour for it has done so."""

DIALOG = "[role=dialog]"
Violations = dict[str, list[str]]


def violations(page: Page, within: str = "html") -> Violations:
    """The elements that break a rule, by theme and rule; the page stays in the light theme.

    Args:
        within: selects what is looked at; the rest of a page that was looked at already takes time.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    found: Violations = {}
    for theme, rules in reversed(RULES.items()):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(AT_REST, arg=theme)
        options = {"resultTypes": ["violations"], "preload": False, **rules}
        report = page.evaluate("([within, options]) => axe.run(within, options)", [within, options])
        for each in report["violations"]:
            found[f"{theme}: {each['id']}"] = [str(node["target"]) for node in each["nodes"]]
    return found
