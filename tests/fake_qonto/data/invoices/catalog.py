"""Made-up companies, people and words that the seeded invoices are drawn from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Supplier:
    """A company that sends invoices."""

    number: int
    name: str
    country: str
    currency: str
    domain: str
    vat_number: str
    iban: str

    @property
    def tin(self) -> str:
        """Its tax identification number, the VAT number without the country."""
        return self.vat_number[2:]

    @property
    def email(self) -> str:
        """Where its accounts department reads mail."""
        return f"billing@{self.domain}"


def _iban(country: str, number: int, digits: int) -> str:
    bban = f"{number * 7_919_201_377 % 10**digits:0{digits}d}"
    letters = "".join(str(ord(letter) - 55) for letter in country)
    return f"{country}{98 - int(f'{bban}{letters}00') % 97:02d}{bban}"


_IBAN_DIGITS = {"FR": 23, "DE": 18, "ES": 20, "BE": 12, "AT": 16, "PT": 21, "CH": 17}

_COMPANIES = (
    ("Boulangerie Éléonore & Fils", "FR", "EUR", "eleonore-et-fils.example"),
    ("Ateliers du Hêtre Rouge", "FR", "EUR", "hetre-rouge.example"),
    ("Électricité Générale Lefèvre", "FR", "EUR", "lefevre-elec.example"),
    ("Société Nantaise de Fret", "FR", "EUR", "nantaise-fret.example"),
    ("Café Crème Distribution", "FR", "EUR", "cafecreme.example"),
    ("Papeterie Saint-Ouën", "FR", "EUR", "papeterie-so.example"),
    ("Hébergement Azur SAS", "FR", "EUR", "hebergement-azur.example"),
    ("L'Œil du Graphiste", "FR", "EUR", "oeil-graphiste.example"),
    ("Müller & Söhne Werkzeugbau GmbH", "DE", "EUR", "mueller-soehne.example"),
    ("Großhandel Weiß KG", "DE", "EUR", "grosshandel-weiss.example"),
    ("Jäger Logistik AG", "DE", "EUR", "jaeger-logistik.example"),
    ("Rheinische Bürobedarf GmbH", "DE", "EUR", "rhein-buero.example"),
    ("Diseño Peñalara S.L.", "ES", "EUR", "penalara.example"),
    ("Panadería Ibáñez", "ES", "EUR", "ibanez-pan.example"),
    ("Transportes Núñez e Hijos", "ES", "EUR", "nunez-hijos.example"),
    ("Brasserie Liégeoise SRL", "BE", "EUR", "liegeoise.example"),
    ("Vlaamse Drukkerij België BV", "BE", "EUR", "vlaamsedruk.example"),
    ("Österreichische Holzbau GmbH", "AT", "EUR", "holzbau-oe.example"),
    ("Cerâmica São João Lda", "PT", "EUR", "saojoao.example"),
    ("Zürcher Präzision AG", "CH", "CHF", "zuercher-praezision.example"),
    ("Fromagerie Gruyère Sàrl", "CH", "CHF", "gruyere-sarl.example"),
    ("Ateliers du Nord", "FR", "EUR", "ateliers-nord.example"),
    ("Cabinet Bérénice Conseil", "FR", "EUR", "berenice-conseil.example"),
    ("Nettoyage Île-de-France", "FR", "EUR", "nettoyage-idf.example"),
    ("Garage de la Forêt", "FR", "USD", "garage-foret.example"),
)

SUPPLIERS = tuple(
    Supplier(
        number,
        name,
        country,
        currency,
        domain,
        f"{country}{123_456_789 + number * 8_641_973:011d}",
        _iban(country, number + 1, _IBAN_DIGITS[country]),
    )
    for number, (name, country, currency, domain) in enumerate(_COMPANIES)
)

DESCRIPTIONS = (
    "Prestation de conseil",
    "Fournitures de bureau",
    "Hébergement et maintenance",
    "Werkzeuge und Ersatzteile",
    "Transporte de mercancías",
    "Catering, séminaire d'été",
    "Loyer du mois",
)

# Repeated on purpose: Qonto does not keep file names apart.
FILE_STEMS = (
    "facture",
    "Facture n°{number}",
    "Rechnung {number}",
    "factura-{number}",
    "reçu",
    "scan",
    "Invoice {number}",
    "Relevé d'été {number}",
)

ALL_STATUSES = (
    "to_review",
    "to_approve",
    "to_pay",
    "awaiting_payment",
    "pending",
    "scheduled",
    "paid",
    "archived",
    "rejected",
    "discarded",
)

# Shares of the statuses in forty invoices; a stride of seven mixes them.
_SHARES = {
    "paid": 12,
    "to_review": 6,
    "to_pay": 6,
    "to_approve": 3,
    "scheduled": 3,
    "archived": 3,
    "awaiting_payment": 2,
    "pending": 2,
    "discarded": 2,
    "rejected": 1,
}
_IN_BLOCKS = [status for status, share in _SHARES.items() for _ in range(share)]
STATUS_CYCLE = tuple(_IN_BLOCKS[place * 7 % 40] for place in range(40))

SOURCES = {
    "email": ("email_forward", "regate", "pay_by_invoice"),
    "direct_upload": ("supplier_invoices", "generic_upload", "integration", "pay_later"),
    "e_invoicing": ("e_invoicing",),
}
