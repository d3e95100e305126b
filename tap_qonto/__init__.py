"""Singer tap for Qonto: supplier invoices and the files attached to them."""
