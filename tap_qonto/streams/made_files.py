"""Certificates of accounts and proofs of transfers.

Source: docs.qonto.com, "Retrieve an IBAN certificate", "Download a transfer proof".
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_qonto.files.made import MadeFiles
from tap_qonto.streams.attachments import files_schema
from tap_qonto.streams.organization import BankAccounts
from tap_qonto.streams.shapes import TEXT, column, key
from tap_qonto.streams.transfers import Transfers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_qonto.files.wanted import Wanted
    from tap_qonto.output.records import Record

_LANGUAGES = frozenset({"en", "fr", "it", "de", "es", "pt", "nl"})
"""Those in which Qonto writes certificates."""


class IbanCertificates(MadeFiles):
    """IBAN certificates of active accounts, in the language of the organization."""

    name = "iban_certificates"
    path = "/v2/bank_accounts/{id}/iban_certificate"
    scope = "organization.read"
    parent_stream_type = BankAccounts
    parent_key = "bank_account_id"
    parent_path = "/v2/bank_accounts/{id}"
    parent_in = "bank_account"
    roles: ClassVar[dict[str, str]] = {"id": "certificate"}
    primary_keys: ClassVar[tuple[str, ...]] = ("bank_account_id", "locale")
    schema: ClassVar[dict[str, Any]] = files_schema(
        key("bank_account_id", "Its account."),
        key("locale", "Language of the certificate, such as fr."),
        column("id", TEXT, "Id of the account, which names its file."),
        roles="certificate.",
    )

    @override
    def wanted(self, parent: Record) -> Iterator[Wanted]:
        """Yield the certificate of an active account of Qonto's; others have none."""
        if parent["status"] == "active" and not parent["is_external_account"]:
            yield from super().wanted(parent)

    @override
    def facts_of(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return facts whose name changes with IBAN and name, so that both are certified anew."""
        language = str(self.run.organization.get("locale"))[:2].lower()
        locale = language if language in _LANGUAGES else "en"
        certified = json.dumps([row.get("iban"), row.get("name")])
        mark = hashlib.sha256(certified.encode()).hexdigest()[:8]
        return {
            "locale": locale,
            "params": [("locale", locale)],
            "file_name": f"iban-certificate-{locale}-{mark}.pdf",
        }


class TransferProofs(MadeFiles):
    """Proofs of settled transfers. Qonto makes each with a POST that needs `payment.write`."""

    name = "transfer_proofs"
    path = "/v2/sepa/transfers/{id}/download_proof"
    method = "POST"
    scope = "payment.write"
    parent_stream_type = Transfers
    parent_key = "transfer_id"
    parent_path = "/v2/sepa/transfers/{id}"
    parent_in = "transfer"
    roles: ClassVar[dict[str, str]] = {"id": "proof"}
    primary_keys: ClassVar[tuple[str, ...]] = ("transfer_id",)
    schema: ClassVar[dict[str, Any]] = files_schema(
        key("transfer_id", "Its transfer."),
        column("id", TEXT, "Id of the transfer, which names its file."),
        roles="proof.",
    )

    @override
    def wanted(self, parent: Record) -> Iterator[Wanted]:
        """Yield the proof of a settled transfer; others have none."""
        if parent["status"] == "settled":
            yield from super().wanted(parent)

    @override
    def facts_of(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return facts whose path begins with the month in which the transfer was created."""
        return {"file_name": "transfer-proof.pdf", "dated": row.get("created_at")}
