"""All lists and objects that the API serves, each a table of facts."""

from tests.fake_qonto.endpoints.banking import BANKING
from tests.fake_qonto.endpoints.getting_paid import GETTING_PAID
from tests.fake_qonto.endpoints.invoicing import INVOICING
from tests.fake_qonto.endpoints.people import PEOPLE
from tests.fake_qonto.endpoints.spend import SPEND
from tests.fake_qonto.endpoints.supplier_invoices import SUPPLIER_INVOICES
from tests.fake_qonto.endpoints.transfers import TRANSFERS

ENDPOINTS = (
    SUPPLIER_INVOICES,
    *BANKING,
    *PEOPLE,
    *INVOICING,
    *TRANSFERS,
    *GETTING_PAID,
    *SPEND,
)
