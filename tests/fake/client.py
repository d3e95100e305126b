"""A client of the fake, for its own tests."""

from datetime import datetime
from typing import Any

import requests

from tests.fake_qonto import FakeQonto
from tests.fake_qonto.clock import parse_instant

Row = dict[str, Any]
LIST = "/v2/supplier_invoices"
NOON = "2026-03-10T12:00:00Z"
TIMEOUT = 10


class Client:
    """Asks the fake as a program would, with an API key unless told otherwise."""

    def __init__(self, fake: FakeQonto) -> None:
        self.fake = fake
        self.session = requests.Session()
        self.session.trust_env = False
        self.key = {"Authorization": f"{fake.login}:{fake.secret_key}"}

    def get(self, path: str, query: Any = None, **headers: str) -> requests.Response:
        return self.session.get(
            f"{self.fake.url}{path}",
            params=query,
            headers=headers or self.key,
            timeout=TIMEOUT,
            allow_redirects=False,
        )

    def file(self, url: str, **headers: str) -> requests.Response:
        return self.session.get(url, headers=headers, timeout=TIMEOUT, allow_redirects=False)

    def attachment(self, key: str) -> Row:
        answer = self.get(f"/v2/attachments/{key}")
        assert answer.status_code == 200, answer.text
        return answer.json()["attachment"]  # type: ignore[no-any-return]

    def page(self, **query: Any) -> Row:
        """List with query names written as ``filter__status`` for ``filter[status]``."""
        named = {_bracket(name): value for name, value in query.items()}
        answer = self.get(LIST, named)
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    def rows(self, **query: Any) -> list[Row]:
        """Return the rows of all pages."""
        query = {"per_page": 100, "sort_by": "updated_at:asc"} | query
        found: list[Row] = []
        page: int | None = 1
        while page:
            answer = self.page(page=page, **query)
            found += answer["supplier_invoices"]
            page = answer["meta"].get("next_page")
        return found

    def ids(self, **query: Any) -> set[str]:
        return {row["id"] for row in self.rows(**query)}

    def refused(self, **query: Any) -> tuple[int, str, str]:
        """Return status, code and parameter of a refusal."""
        answer = self.get(LIST, {_bracket(name): value for name, value in query.items()})
        body = answer.json()
        assert body["trace_id"] == answer.headers["X-Tyk-Trace-Id"]
        error = body["errors"][0]
        return answer.status_code, error["code"], error["source"]["parameter"]

    def token(self, **form: str) -> requests.Response:
        who = {"client_id": self.fake.client_id, "client_secret": self.fake.client_secret}
        url = f"{self.fake.oauth_url}/oauth2/token"
        return self.session.post(url, data=who | form, timeout=TIMEOUT)

    def refresh(self, token: str) -> requests.Response:
        return self.token(grant_type="refresh_token", refresh_token=token)


def _bracket(name: str) -> str:
    head, _, rest = name.partition("__")
    return f"{head}[{rest}]" if rest else name


def stamps(rows: list[Row], name: str = "updated_at") -> list[datetime]:
    return [parse_instant(row[name]) for row in rows]
