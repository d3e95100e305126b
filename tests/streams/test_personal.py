"""What Qonto's lists hold about people is marked, so that the recipes can keep it out."""

from __future__ import annotations

import pytest

from tap_qonto.streams import STREAMS

STREAM_OF = {stream.name: stream for stream in STREAMS}
_OF_A_CLIENT = {"name", "first_name", "last_name", "email", "extra_emails", "phone", "phone_number"}
_OF_A_CLIENT |= {"billing_address", "delivery_address"}
_OF_A_CLIENT |= {"address", "city", "zip_code", "province_code", "country_code"}
_OF_A_PAYMENT = {"transfer", "income", "swift_income", "direct_debit", "direct_debit_collection"}
_OF_A_COMPANY = {"name", "legal_name", "legal_country", "legal_form", "legal_sector", "locale"}
_OF_A_COMPANY |= {"legal_address", "legal_number", "address"}
MARKED: dict[str, set[str]] = {
    "supplier_invoices": {"iban", "supplier_snapshot"},
    # A sole trader is a person.
    "organization": _OF_A_COMPANY,
    "bank_accounts": {"name", "iban", "bic", "account_number"},
    "transactions": {"label", "clean_counterparty_name", "note", "reference", "card_last_digits"}
    | _OF_A_PAYMENT,
    "clients": _OF_A_CLIENT,
    "client_invoices": {"contact_email", "client", "organization", "payment_methods"},
    "credit_notes": {"contact_email", "client"},
    "quotes": {"contact_email", "client", "organization"},
    "reminders": {"send_to"},
    "transfers": {"reference", "note"},
    "beneficiaries": {"name", "iban", "email", "account_number"},
    "recurring_transfers": {"reference", "note"},
    "international_beneficiaries": {"name", "account_identifier"},
    "payment_links": {"debitor_name"},
    "payment_link_payments": {"debitor_email"},
    "requests": {"creditor_name"},
    "cards": {"embossed_name", "mask_pan", "last_digits", "exp_month", "exp_year"}
    | {"parent_card_summary"},
}
# Each row of these is about a member.
ABOUT_PEOPLE = ("memberships", "membership")


def test_columns_with_personal_data_are_marked() -> None:
    found = {stream.name: set(stream.personal) for stream in STREAMS if stream.personal}
    assert {name: found[name] for name in found.keys() - set(ABOUT_PEOPLE)} == MARKED


@pytest.mark.parametrize("name", ABOUT_PEOPLE)
def test_all_that_a_row_says_of_a_member_is_marked(name: str) -> None:
    columns = STREAM_OF[name].schema["properties"].keys()
    assert columns - STREAM_OF[name].personal == {"id", "extra_fields"}


@pytest.mark.parametrize("name", [*MARKED, *ABOUT_PEOPLE])
def test_no_key_is_marked(name: str) -> None:
    """The recipe leaves out what is marked, and without its keys no target takes a row."""
    stream = STREAM_OF[name]
    keys = {*stream.primary_keys, getattr(stream, "replication_key", None)}
    assert keys.isdisjoint(stream.personal)
