"""Members, teams, labels and the plan.

Source: docs.qonto.com, "Organization & accounts".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fake_qonto.data.made import Draw, made
from tests.fake_qonto.lists.facts import Endpoint

if TYPE_CHECKING:
    from tests.fake_qonto.data.records import Row

READ = "organization.read"


def membership(draw: Draw) -> Row:
    """Make a member; the last one is still invited."""
    is_invited = draw.index % 5 == 4
    return {
        "id": draw.id,
        "first_name": draw.one("Ana", "Bruno", "Chloé"),
        "last_name": draw.words(1),
        "email": f"member{draw.index}@example.com",
        "role": None if is_invited else draw.one("owner", "admin", "employee"),
        "team_id": None if is_invited else draw.other("teams"),
        "residence_country": draw.maybe("FR"),
        "birthdate": draw.maybe("1980-02-29"),
        "nationality": draw.maybe("FR"),
        "birth_country": draw.maybe("IT"),
        "ubo": draw.maybe(value=True),
        "status": "invitable" if is_invited else "active",
    }


def own(draw: Draw) -> Row:
    """Make the membership of who authorized the app."""
    return {
        "id": draw.plan.id("memberships", 0),
        "first_name": "Ana",
        "last_name": "Gestion",
        "email": "member0@example.com",
        "phone_number": "+33612345678",
        "position": None,
        "status": "active",
        "role": "owner",
        "locale": "fr",
        "team_id": draw.other("teams"),
        "kyc_status": "accepted",
    }


def team(draw: Draw) -> Row:
    """Make a team."""
    return {"id": draw.id, "name": draw.words()}


def label(draw: Draw) -> Row:
    """Make a label; some stand below the first."""
    parent = draw.plan.id("labels", 0) if draw.index % 3 == 1 else None
    return {"id": draw.id, "name": draw.words(), "parent_id": parent}


def plan(draw: Draw) -> Row:
    """Make the price plan."""
    return {
        "_key": "plan",
        "code": "business_2025",
        "name": "Business",
        "lineup": "2025",
        "status": "active",
        "recurrence": "monthly",
        "monthly_price": {"amount": "29.00", "currency": "EUR"},
        "trial_ends_at": None,
    }


PEOPLE = (
    Endpoint(
        "memberships", "/v2/memberships", READ, "memberships", made("memberships", membership),
        rows=7, text="last_name",
    ),
    Endpoint(
        "membership", "/v2/membership", "membership.read", "membership", made("membership", own),
        rows=1, one=True, auth="oauth",
    ),
    Endpoint("teams", "/v2/teams", "team.read", "teams", made("teams", team), rows=3, text="name"),
    Endpoint(
        "labels", "/v2/labels", READ, "labels", made("labels", label), single="label", text="name"
    ),
    Endpoint(
        "subscription", "/v2/subscription", "subscription.read", "plan", made("subscription", plan),
        rows=1, one=True, blank=("trial_ends_at",),
    ),
)  # fmt: skip
