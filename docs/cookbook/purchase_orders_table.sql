-- What was ordered, from wherever orders are kept.
CREATE TABLE qonto.purchase_orders (
    number text PRIMARY KEY,
    supplier_name text NOT NULL,
    iban text NOT NULL,
    currency text NOT NULL,
    amount numeric(38, 4) NOT NULL
);
