"""The file host: what S3 answers to a signed URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fake_qonto.files.store import FOLDER
from tests.fake_qonto.lists.table import NotHereError
from tests.fake_qonto.server.answers import Answer, s3_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fake_qonto.lists.reader import Params
    from tests.fake_qonto.world import World


def answer_file(
    world: World,
    method: str,
    path: str,
    params: Params,
    headers: Mapping[str, str],
) -> Answer:
    """Answer a request to the file host."""
    if "authorization" in headers:
        return s3_error(
            400,
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter,"
            " Signature query string parameter or the Authorization header should be specified",
            ArgumentName="Authorization",
        )
    refused = world.signer.refusal(method, path, params, world.now())
    if refused is not None:
        return refused
    key, _, sealed = path.removeprefix(FOLDER).partition("/")
    try:
        attachment = world.files.get(key)
    except NotHereError:
        return s3_error(404, "NoSuchKey", "The specified key does not exist.")
    content = attachment.sealed if sealed else attachment.content
    return Answer(200, content, attachment.file_content_type or "binary/octet-stream")
