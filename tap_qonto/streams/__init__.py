"""The streams, each a table of facts."""

from tap_qonto.streams.attachments import Attachments
from tap_qonto.streams.supplier_invoices import SupplierInvoices

STREAMS = (SupplierInvoices, Attachments)

__all__ = ["STREAMS", "Attachments", "SupplierInvoices"]
