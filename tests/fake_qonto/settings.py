"""The knobs: where Qonto's behaviour is not known, both answers can be tried."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from tests.fake_qonto.server.answers import LOGIN_URL

DEFAULT_SCOPES = (
    "offline_access organization.read supplier_invoice.read attachment.read card.read "
    "cash_flow_category.read client.read client_invoices.read einvoicing.read membership.read "
    "payment_link.read product.read sepa_direct_debit.read subscription.read team.read "
    "terminal.read webhook"
)

_CHOICES: dict[str, tuple[Any, ...]] = {
    "filter_resolution": ("exact", "second"),
    "shown_digits": (0, 3, 6),
    "timestamp_style": ("local", "utc", "mixed"),
    "sort_refusal_status": (400, 422),
    "bad_filter_status": (400, 422),
    "missing_auth_status": (400, 401),
    "tie_order": ("id", "shuffled"),
    "past_last_page": (422, "empty"),
    "next_page_style": ("null", "absent", "zero"),
    "retry_after": (None, "seconds", "date"),
    "rate_limit_body": ("text", "json"),
    "staging_gate_status": (200, 302),
    "file_size_style": ("text", "number"),
    "matched_transactions_style": ("ids", "objects", "mixed"),
    "error_style": ("list", "object", "flat", "message", "text", "empty"),
}


@dataclass
class Settings:
    """All knobs with their defaults."""

    # Filters, order and pages.
    lower_inclusive: bool = True
    upper_inclusive: bool = True
    filter_resolution: str = "exact"
    sort_by_updated_at: bool = True
    sort_refusal_status: int = 400
    bad_filter_status: int = 400
    tie_order: str = "id"
    past_last_page: int | str = 422
    next_page_style: str = "null"
    max_page: int | None = None
    largest_page: int | None = None
    hides_meta: bool = False
    # How objects are written.
    shown_digits: int = 0
    timestamp_style: str = "local"
    file_size_style: str = "text"
    matched_transactions_style: str = "mixed"
    extra_list_fields: dict[str, Any] = field(default_factory=dict)
    blank_for_null: bool = True
    hidden_statuses: list[str] = field(default_factory=list)
    hides_balances: bool = False
    nests_bank_account: bool = False
    # Time, limits and gates.
    latency: float = 0.0
    file_latency: float = 0.0
    rate_limits: list[list[float]] = field(default_factory=lambda: [[1000, 10], [10_000, 600]])
    retry_after: str | None = None
    rate_limit_body: str = "text"
    max_unauthorized: int = 200
    url_lifetime: int = 1800
    staging_token: str | None = None
    staging_gate_status: int = 200
    login_url: str = LOGIN_URL
    # Who may ask.
    require_auth: bool = True
    missing_auth_status: int = 401
    # Lists that a plan or role shuts, and lists that take OAuth alone, as some may.
    forbidden: list[str] = field(default_factory=list)
    refuses_keys: list[str] = field(default_factory=list)
    error_style: str = "list"
    access_token_lifetime: int = 3600
    refresh_token_lifetime: int = 90 * 86_400
    refresh_grace: int = 60
    rotate: bool = True
    scopes: str = DEFAULT_SCOPES
    redirect_uris: list[str] = field(default_factory=lambda: ["http://localhost:8765/callback"])
    auto_approve: bool = False

    def update(self, changes: dict[str, Any]) -> None:
        """Turn knobs.

        Args:
            changes: New values by name.

        Raises:
            ValueError: There is no such knob, or it has no such position.
        """
        known = {knob.name for knob in fields(self)}
        for name, value in changes.items():
            if name not in known:
                message = f"unknown setting {name!r}; there are {', '.join(sorted(known))}"
                raise ValueError(message)
            if name in _CHOICES and value not in _CHOICES[name]:
                message = f"{name} is one of {_CHOICES[name]}, not {value!r}"
                raise ValueError(message)
        for name, value in changes.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """Return all knobs by name."""
        return asdict(self)
