"""URLs signed like S3's, and the check of them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from tests.fake_qonto.clock import UTC
from tests.fake_qonto.server.answers import Answer, s3_error

if TYPE_CHECKING:
    from collections.abc import Sequence

_STAMP = "%Y%m%dT%H%M%SZ"
SIGNATURE = "X-Amz-Signature"


class Signer:
    """Signs paths of the file host with a key of its own."""

    def __init__(self) -> None:
        """Draw the key."""
        self._key = secrets.token_bytes(32)

    def _signature(self, method: str, path: str, query: Sequence[tuple[str, str]]) -> str:
        text = f"{method}\n{path}\n{urlencode(sorted(query))}"
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def sign(self, path: str, now: datetime, lifetime: int) -> str:
        """Return path and query that are good for some seconds; never the same twice."""
        query = [
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", f"AKIAFAKE/{now:%Y%m%d}/eu-central-1/s3/aws4_request"),
            ("X-Amz-Date", now.strftime(_STAMP)),
            ("X-Amz-Expires", str(lifetime)),
            ("X-Amz-Security-Token", secrets.token_urlsafe(24)),
            ("X-Amz-SignedHeaders", "host"),
        ]
        query.append((SIGNATURE, self._signature("GET", path, query)))
        return f"{quote(path)}?{urlencode(query)}"

    def refusal(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        now: datetime,
    ) -> Answer | None:
        """Return S3's error for a request, or nothing when the signature is good."""
        given = dict(query)
        signature = given.get(SIGNATURE)
        if signature is None:
            return s3_error(403, "AccessDenied", "Access Denied")
        rest = [(name, value) for name, value in query if name != SIGNATURE]
        if not hmac.compare_digest(
            signature.encode(), self._signature(method, path, rest).encode()
        ):
            return s3_error(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided."
                " Check your key and signing method.",
            )
        begun = datetime.strptime(given["X-Amz-Date"], _STAMP).replace(tzinfo=UTC)
        lifetime = int(given["X-Amz-Expires"])
        if now > begun + timedelta(seconds=lifetime):
            return expired(lifetime, begun, now)
        return None


def expired(lifetime: int, begun: datetime, now: datetime) -> Answer:
    """Return S3's answer to a URL whose time is over."""
    end = begun + timedelta(seconds=lifetime)
    return s3_error(
        403,
        "AccessDenied",
        "Request has expired",
        **{
            "X-Amz-Expires": str(lifetime),
            "Expires": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "ServerTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    )
