"""OAuth."""

from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from tests.fake.client import LIST, TIMEOUT, Client
from tests.fake_qonto import FakeQonto
from tests.fake_qonto.oauth.host import challenge


def test_refresh_rotates(client: Client, fake: FakeQonto) -> None:
    first = fake.control.new_refresh_token()
    assert first.startswith("ory_rt_")
    answer = client.refresh(first)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["expires_in"], body["token_type"]) == (3600, "bearer")
    assert "supplier_invoice.read" in body["scope"]
    assert body["access_token"].startswith("ory_at_")
    second = body["refresh_token"]
    assert second != first
    assert client.get(LIST, Authorization=f"Bearer {body['access_token']}").status_code == 200
    overview = fake.control.tokens()[fake.client_id]
    assert overview["refreshes"] == 1
    assert overview["refresh_tokens"].keys() == {first, second}
    assert overview["access_tokens"].keys() == {body["access_token"]}


def test_used_refresh_tokens_have_a_grace(client: Client, fake: FakeQonto) -> None:
    first = fake.control.new_refresh_token()
    second = client.refresh(first).json()["refresh_token"]
    fake.control.advance(59)
    assert client.refresh(first).status_code == 200
    fake.control.advance(2)
    answer = client.refresh(first)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert client.refresh(second).status_code == 200


def test_without_rotation(client: Client, fake: FakeQonto) -> None:
    fake.control.set(rotate=False)
    token = fake.control.new_refresh_token()
    assert "refresh_token" not in client.refresh(token).json()
    fake.control.advance(3000)
    assert client.refresh(token).status_code == 200


def test_refused_grants(client: Client, fake: FakeQonto) -> None:
    token = fake.control.new_refresh_token()
    assert client.refresh("nonsense").json()["error"] == "invalid_grant"
    assert client.token(grant_type="password").json()["error"] == "unsupported_grant_type"
    for wrong in ({"client_id": "x"}, {"client_secret": "x"}, {"client_id": ""}):
        answer = client.token(grant_type="refresh_token", refresh_token=token, **wrong)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    fake.control.revoke(token)
    assert client.refresh(token).json()["error"] == "invalid_grant"


def test_tokens_age(client: Client, fake: FakeQonto) -> None:
    refresh = fake.control.new_refresh_token()
    access = client.refresh(refresh).json()["access_token"]
    old = fake.control.new_refresh_token()
    fake.control.advance(3599)
    assert client.get(LIST, Authorization=f"Bearer {access}").status_code == 200
    fake.control.advance(2)
    assert client.get(LIST, Authorization=f"Bearer {access}").status_code == 401
    fake.control.advance(90 * 86_400)
    assert client.refresh(old).json()["error"] == "invalid_grant"


def test_scopes(client: Client, fake: FakeQonto) -> None:
    token = fake.control.new_access_token(scope="supplier_invoice.read")
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.get(LIST, **bearer).status_code == 200
    for path in ("/v2/attachments/x", "/v2/organization"):
        answer = client.get(path, **bearer)
        assert answer.status_code == 403
        assert "missing required oauth scope" in answer.json()["errors"][0]["detail"]
    offline = fake.control.new_refresh_token(scope="attachment.read")
    assert "refresh_token" not in client.refresh(offline).json()


REDIRECT = "http://127.0.0.1:9/callback?x=1"


def authorize(client: Client, method: str = "GET", **changes: str) -> requests.Response:
    client.fake.control.set(redirect_uris=[REDIRECT])
    asked = {
        "client_id": client.fake.client_id,
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": "offline_access supplier_invoice.read",
        "state": "s t&te",
    }
    data = {"decision": changes.pop("decision")} if "decision" in changes else None
    query = {name: value for name, value in (asked | changes).items() if value}
    url = f"{client.fake.oauth_url}/oauth2/auth?{urlencode(query)}"
    return client.session.request(method, url, data=data, timeout=TIMEOUT, allow_redirects=False)


def redirected(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{REDIRECT}&")
    return {k: v[0] for k, v in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def test_consent_page(client: Client) -> None:
    page = authorize(client)
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert "supplier_invoice.read" in page.text
    back = redirected(authorize(client, "POST", decision="approve"))
    assert back["state"] == "s t&te"
    denied = redirected(authorize(client, "POST", decision="deny"))
    assert (denied["error"], denied["state"]) == ("access_denied", "s t&te")


def test_authorization_code(client: Client, fake: FakeQonto) -> None:
    fake.control.set(auto_approve=True)
    code = redirected(authorize(client))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
    answer = client.token(**form)
    assert answer.status_code == 200
    assert answer.json()["scope"] == "offline_access supplier_invoice.read"
    assert client.refresh(answer.json()["refresh_token"]).status_code == 200
    assert client.token(**form).json()["error"] == "invalid_grant"
    late = form | {"code": redirected(authorize(client))["code"]}
    fake.control.advance(601)
    assert client.token(**late).json()["error"] == "invalid_grant"
    astray = form | {"code": redirected(authorize(client))["code"], "redirect_uri": "http://x"}
    assert client.token(**astray).json()["error"] == "invalid_grant"


def test_pkce(client: Client, fake: FakeQonto) -> None:
    fake.control.set(auto_approve=True)
    # The example of RFC 7636, appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    pkce = {"code_challenge": challenge(verifier), "code_challenge_method": "S256"}
    form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT}
    for given, status in (
        ({"code_verifier": verifier}, 200),
        ({}, 400),
        ({"code_verifier": "x"}, 400),
    ):
        code = redirected(authorize(client, **pkce))["code"]
        assert client.token(code=code, **form, **given).status_code == status
    plain = redirected(authorize(client, code_challenge="x", code_challenge_method="plain"))
    assert plain["error"] == "invalid_request"


def test_refused_authorization(client: Client) -> None:
    refused = redirected(authorize(client, scope="client_invoice.read"))
    assert refused["error"] == "invalid_scope"
    assert refused["error_description"] == (
        "The OAuth 2.0 Client is not allowed to request scope 'client_invoice.read'."
    )
    assert redirected(authorize(client, state=""))["error"] == "invalid_state"
    assert redirected(authorize(client, response_type="token"))["error"] == (
        "unsupported_response_type"
    )
    assert authorize(client, client_id="other").status_code == 401
    assert authorize(client, redirect_uri="http://evil.example").status_code == 400
