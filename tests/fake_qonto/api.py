"""The API host's endpoints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .answers import Answer, Refusal, json_bytes, text_answer
from .contents import Held
from .filehost import FOLDER
from .organization import organization
from .pages import find_page
from .query import Params, read_query
from .rendering import serve_attachment
from .store import NotHereError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .world import World

    Endpoint = Callable[[World, Params, str], bytes]


def list_invoices(world: World, params: Params, _: str) -> bytes:
    """``GET /v2/supplier_invoices``."""
    settings = world.settings
    query = read_query(params, settings, world.now().date())
    page = find_page(world.store, query, shuffled=settings.tie_order == "shuffled")
    pages = -(-page.total // query.per_page)
    beyond = query.page > max(pages, 1)
    too_deep = settings.max_page is not None and query.page > settings.max_page
    if too_deep or (beyond and settings.past_last_page == 422):
        detail = f"page {query.page} is out of range"
        raise Refusal(422, "unprocessable_entity", detail, parameter="page")
    meta: dict[str, Any] = {
        "current_page": query.page,
        "next_page": query.page + 1 if query.page < pages else None,
        "prev_page": query.page - 1 if query.page > 1 else None,
        "total_pages": pages,
        "total_count": page.total,
        "per_page": query.per_page,
    }
    if meta["next_page"] is None and settings.next_page_style == "zero":
        meta["next_page"] = 0
    elif meta["next_page"] is None and settings.next_page_style == "absent":
        del meta["next_page"]
    rows = b",".join(map(world.invoice_json, page.ids))
    return b'{"supplier_invoices":[%s],"meta":%s}' % (rows, json_bytes(meta))


def retrieve_invoice(world: World, _: Params, key: str) -> bytes:
    """``GET /v2/supplier_invoices/{id}``."""
    return b'{"supplier_invoice":%s}' % world.invoice_json(key)


def retrieve_attachment(world: World, _: Params, key: str) -> bytes:
    """``GET /v2/attachments/{id}``: the metadata, with URLs that are good for a while."""
    attachment = world.store.file(key)
    served = serve_attachment(attachment, world.settings)
    lifetime = world.settings.url_lifetime

    def url(path: str) -> str:
        return f"{world.files_url}{world.signer.sign(path, world.now(), lifetime)}"

    if "url" not in served and "url" not in attachment.removed:
        served["url"] = url(f"{FOLDER}{key}")
    sealed = served.get("probative_attachment") or {}
    if sealed.get("status") == "available":
        sealed.setdefault("url", url(f"{FOLDER}{key}/sealed"))
    return json_bytes({"attachment": served})


def retrieve_organization(world: World, _: Params, __: str) -> bytes:
    """``GET /v2/organization``."""
    return json_bytes({"organization": organization(world.store.plan, world.credentials.login)})


# Path, scope, endpoint.
ROUTES: tuple[tuple[re.Pattern[str], str, Endpoint], ...] = (
    (re.compile(r"/v2/supplier_invoices()"), "supplier_invoice.read", list_invoices),
    (re.compile(r"/v2/supplier_invoices/([^/]+)"), "supplier_invoice.read", retrieve_invoice),
    (re.compile(r"/v2/attachments/([^/]+)"), "attachment.read", retrieve_attachment),
    (re.compile(r"/v2/organization()"), "organization.read", retrieve_organization),
)


def answer_api(
    world: World,
    method: str,
    path: str,
    params: Params,
    headers: Mapping[str, str],
) -> Answer:
    """Answer a request to the API host.

    Raises:
        Refusal: It is answered with an error.
    """
    for pattern, scope, endpoint in ROUTES:
        match = pattern.fullmatch(path)
        if match is not None and method == "GET":
            authorize(world, headers.get("authorization"), scope)
            try:
                return Answer(200, Held(endpoint(world, params, match[1])))
            except NotHereError:
                raise Refusal(404, "not_found", "Resource not found") from None
    return text_answer("404 page not found\n", 404)


def authorize(world: World, given: str | None, scope: str) -> None:
    """Check who asks, and whether they may.

    Raises:
        Refusal: 401 or 403, or 400 where the endpoint says so for a missing header.
    """
    if not world.settings.require_auth:
        return
    if not given:
        if world.settings.missing_auth_status == 400:
            raise Refusal(400, "bad_request", "Authorization field missing")
        raise Refusal(401, "authorization_header_missing", "Authorization header is missing")
    who = world.credentials
    if given == f"{who.login}:{who.secret_key}":
        return
    token = world.tokens.access.get(given.removeprefix("Bearer "))
    if not given.startswith("Bearer ") or token is None or world.now() > token.expires_at:
        raise Refusal(401, "unauthorized", "Invalid or expired credentials")
    if scope not in token.scope.split():
        raise Refusal(403, "forbidden", f"missing required oauth scope: {scope}")
