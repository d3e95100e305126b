"""Members, teams, labels, and the credential's own membership.

Source: docs.qonto.com, "List memberships", "Retrieve the authenticated membership",
"List teams", "List labels".
"""

from __future__ import annotations

from typing import Any, ClassVar

from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.reading.paged import Paged
from tap_qonto.reading.whole import Whole
from tap_qonto.streams.shapes import DAY, FLAG, TEXT, column, key, schema_of


class Memberships(QontoStream):
    """Members of the organization."""

    name = "memberships"
    path = "/v2/memberships"
    collection = "memberships"
    scope = "organization.read"
    ways = (Paged(),)
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    personal = frozenset(
        {
            "first_name",
            "last_name",
            "email",
            "status",
            "role",
            "team_id",
            "residence_country",
            "nationality",
            "birth_country",
            "birthdate",
            "ubo",
        }
    )

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the membership."),
        column("first_name", TEXT, "First name."),
        column("last_name", TEXT, "Last name."),
        column("email", TEXT, "Email address; null if none is set."),
        column("status", TEXT, "Status, such as active or invitable."),
        column(
            "role",
            TEXT,
            "owner, admin, manager, reporting, employee, or accountant; null while invited.",
        ),
        column("team_id", TEXT, "Team; null while invited."),
        column("residence_country", TEXT, "Country of residence, ISO 3166 code."),
        column("nationality", TEXT, "Nationality, ISO 3166 code."),
        column("birth_country", TEXT, "Country of birth, ISO 3166 code."),
        column("birthdate", DAY, "Day of birth."),
        column("ubo", FLAG, "Whether they are an ultimate beneficial owner."),
    )


class Membership(QontoStream):
    """The member who authorized the OAuth app; one row."""

    name = "membership"
    path = "/v2/membership"
    collection = "membership"
    scope = "membership.read"
    access = "oauth"
    selected_by_default = False
    ways = (Whole(),)
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    personal = frozenset(
        {
            "first_name",
            "last_name",
            "email",
            "phone_number",
            "position",
            "status",
            "role",
            "locale",
            "team_id",
            "kyc_status",
        }
    )

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the membership."),
        column("first_name", TEXT, "First name."),
        column("last_name", TEXT, "Last name."),
        column("email", TEXT, "Email address; null if none is set."),
        column("phone_number", TEXT, "Phone number."),
        column("position", TEXT, "Position in the company."),
        column("status", TEXT, "Status of the membership."),
        column("role", TEXT, "Role, such as owner."),
        column("locale", TEXT, "Language, such as fr."),
        column("team_id", TEXT, "Team."),
        column("kyc_status", TEXT, "Status of the identity check."),
    )


class Teams(QontoStream):
    """Teams of members."""

    name = "teams"
    path = "/v2/teams"
    collection = "teams"
    scope = "team.read"
    access = "unsure"
    ways = (Paged(),)
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the team."),
        column("name", TEXT, "Name of the team."),
    )


class Labels(QontoStream):
    """Labels of transactions, which form a tree."""

    name = "labels"
    path = "/v2/labels"
    collection = "labels"
    scope = "organization.read"
    ways = (Paged(),)
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the label."),
        column("name", TEXT, "Name of the label."),
        column("parent_id", TEXT, "Label above it; null at the top."),
    )
