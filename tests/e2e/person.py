"""What a person does and looks for in the browser, and what they are offered."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.approver import Approver
from tests.desk import Desk

SOON_MS = 10_000
"""For what the page has to fetch; it is usually there at once."""
STOP = "Stop or resume trading, kill switch"
"""The button that is always in reach."""


@dataclass(frozen=True)
class Member:
    """Somebody with a login, signed in already."""

    name: str
    email: str
    password: str
    cookies: httpx.Cookies


@dataclass(frozen=True)
class Offer:
    """A recommendation to sell puts, as the API tells it."""

    id: str
    contract: str
    quantity: int
    limit_price: Decimal
    floor_price: Decimal
    assignment_cash: Decimal

    @classmethod
    def read(cls, approver: Approver, recommendation_id: str) -> Offer:
        card = approver.card(recommendation_id)
        return cls(
            id=card["id"],
            contract=card["contract"]["description"],
            quantity=card["quantity"],
            limit_price=Decimal(card["limit_price"]),
            floor_price=Decimal(card["floor_price"]),
            assignment_cash=Decimal(card["assignment_cash"]),
        )

    @property
    def address(self) -> str:
        return f"/recommendations/{self.id}"

    @property
    def resting_price(self) -> Decimal:
        """A limit that may be asked for and that the market does not reach: the order waits."""
        return (self.limit_price * 14).to_integral_value(ROUND_CEILING) / 10

    @property
    def trade(self) -> str:
        return f"Sell {self.quantity} {self.contract}{'s' if self.quantity > 1 else ''}"

    @property
    def consequence(self) -> str:
        """The sentence that must have been before the person's eyes."""
        return self._sentence(self.limit_price, self.floor_price)

    @property
    def consequence_resting(self) -> str:
        """The same, with `resting_price` typed for a limit."""
        return self._sentence(self.resting_price, self.resting_price)

    def _sentence(self, limit: Decimal, floor: Decimal) -> str:
        return f"{self.trade} at {limit:.2f} or better, never below {floor:.2f}."

    @property
    def assignment(self) -> str:
        return f"Cash needed if assigned: {self.assignment_cash:,.0f} USD."


def sign_in(page: Page, desk: Desk, *, at: str = "/", password: str | None = None) -> None:
    """Go to ``at``, and sign in where that leads; with another ``password``, perhaps in vain."""
    page.goto(at)
    page.get_by_label("E-mail", exact=True).fill(desk.email)
    page.get_by_label("Password", exact=True).fill(password or desk.password)
    page.get_by_role("button", name="Sign in").click()


@dataclass(frozen=True)
class Person:
    """A signed-in person at a page."""

    page: Page

    def open(self, offer: Offer) -> Locator:
        """Find the offer in the queue, open its card and see what a decision would mean."""
        self.page.get_by_role("link", name=offer.contract).click()
        return self.sees_what_it_means(offer)

    def visit(self, offer: Offer) -> Locator:
        """Follow a link to the offer's card, and see what a decision would mean."""
        self.page.goto(offer.address)
        return self.sees_what_it_means(offer)

    def sees_what_it_means(self, offer: Offer) -> Locator:
        """The part of the card where it is decided."""
        decide = self.page.get_by_role("region", name="Decide")
        expect(decide.get_by_text(offer.consequence)).to_be_visible(timeout=SOON_MS)
        expect(decide.get_by_text(offer.assignment)).to_be_visible()
        return decide

    def approve_resting(self, offer: Offer) -> None:
        """Approve at a limit that the market does not reach."""
        self.page.get_by_role("button", name="Approve…").click()
        dialog = self.page.get_by_role("dialog", name="Approve this trade?")
        dialog.get_by_label("Limit per share").fill(str(offer.resting_price))
        expect(dialog.get_by_text(offer.consequence_resting)).to_be_visible()
        dialog.get_by_role("button", name="Confirm approval").click()
        expect(dialog).to_be_hidden(timeout=SOON_MS)

    def go_to(self, screen: str) -> None:
        """Open a screen from the rail."""
        self.page.get_by_role("navigation").get_by_role("link", name=screen).click()
        expect(self.page.get_by_role("heading", name=screen, level=1)).to_be_visible()

    def row(self, contract: str) -> Locator:
        """The row of a list that speaks of the contract."""
        return self.page.get_by_role("row").filter(has_text=contract)

    def press_until_focused(self, key: str, target: Locator, times: int = 20) -> None:
        """Press the key until the target has the focus, as someone without a mouse would."""
        for _ in range(times):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press(key)
        expect(target).to_be_focused()

    def stays_on_this_document(self) -> None:
        """From here on `is_still_on_it` tells whether the page was loaded anew."""
        self.page.evaluate("window.isTheSameDocument = true")

    def is_still_on_it(self) -> bool:
        return bool(self.page.evaluate("window.isTheSameDocument"))


def walk_to(page: Page, address: str) -> None:
    """Go to an address inside the app that is loaded: no new document."""
    page.evaluate("address => history.pushState({}, '', address)", address)
