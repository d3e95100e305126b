"""The streams, each a table of facts, in the order in which a run reads them."""

from tap_qonto.streams.attachments import (
    Attachments,
    ClientInvoiceAttachments,
    CreditNoteAttachments,
    QuoteAttachments,
    RequestAttachments,
    StatementFiles,
    TransactionAttachments,
)
from tap_qonto.streams.clients import Clients, EinvoicingSettings, Products, Reminders
from tap_qonto.streams.direct_debits import (
    DirectDebitCollections,
    DirectDebitMandates,
    DirectDebitSubscriptions,
)
from tap_qonto.streams.getting_paid import (
    PaymentLinkConnection,
    PaymentLinkPayments,
    PaymentLinks,
    Terminals,
)
from tap_qonto.streams.international import (
    InternationalBeneficiaries,
    InternationalCurrencies,
    InternationalEligibility,
)
from tap_qonto.streams.invoicing import ClientInvoices, CreditNotes, Quotes
from tap_qonto.streams.made_files import IbanCertificates, TransferProofs
from tap_qonto.streams.organization import BankAccounts, Organization, Subscription
from tap_qonto.streams.people import Labels, Membership, Memberships, Teams
from tap_qonto.streams.spend import Cards, Requests, WebhookSubscriptions
from tap_qonto.streams.statements import CashFlowCategories, Statements
from tap_qonto.streams.supplier_invoices import SupplierInvoices
from tap_qonto.streams.sync_log import SyncLog
from tap_qonto.streams.transactions import TransactionLinks, Transactions
from tap_qonto.streams.transfers import (
    Beneficiaries,
    BulkTransfers,
    RecurringTransfers,
    Transfers,
)

STREAMS = (
    SupplierInvoices,
    Attachments,
    Organization,
    BankAccounts,
    IbanCertificates,
    Transactions,
    TransactionAttachments,
    TransactionLinks,
    Statements,
    StatementFiles,
    CashFlowCategories,
    Memberships,
    Membership,
    Teams,
    Labels,
    Subscription,
    Clients,
    ClientInvoices,
    ClientInvoiceAttachments,
    CreditNotes,
    CreditNoteAttachments,
    Quotes,
    QuoteAttachments,
    Products,
    Reminders,
    EinvoicingSettings,
    Transfers,
    TransferProofs,
    Beneficiaries,
    RecurringTransfers,
    BulkTransfers,
    InternationalCurrencies,
    InternationalBeneficiaries,
    InternationalEligibility,
    DirectDebitMandates,
    DirectDebitSubscriptions,
    DirectDebitCollections,
    PaymentLinks,
    PaymentLinkPayments,
    PaymentLinkConnection,
    Terminals,
    Requests,
    RequestAttachments,
    Cards,
    WebhookSubscriptions,
    SyncLog,
)

__all__ = ["STREAMS", "Attachments", "SupplierInvoices", "SyncLog"]
