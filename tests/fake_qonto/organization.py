"""The organization that owns all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .seeding import Plan


def organization(plan: Plan, slug: str) -> dict[str, Any]:
    """Return the organization with its one bank account."""
    return {
        "id": plan.organization_id,
        "slug": slug,
        "name": "Acme Corp",
        "legal_name": "Acme Corp SAS",
        "locale": "fr",
        "legal_country": "FR",
        "legal_form": "SAS",
        "legal_address": "18 rue de Navarin, 75009 Paris",
        "legal_sector": None,
        "legal_number": "819489626",
        "legal_registration_date": "2016-04-01",
        "legal_share_capital": 10_000.0,
        "contract_signed_at": "2021-03-23T14:21:51.000Z",
        "bank_accounts": [
            {
                "id": plan.members[0],
                "slug": f"{slug}-bank-account-1",
                "name": "Compte principal",
                "status": "active",
                "main": True,
                "iban": "FR7616798000010000012345678",
                "bic": "QNTOFRP1XXX",
                "currency": "EUR",
                "balance": 15_230.42,
                "balance_cents": 1_523_042,
                "authorized_balance": 15_230.42,
                "authorized_balance_cents": 1_523_042,
                "updated_at": "2026-01-05T08:00:00.000Z",
                "is_external_account": False,
            },
        ],
    }
