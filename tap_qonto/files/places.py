"""Which storage the setting `attachments.location` names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_qonto.files.storage import Storage


def storage_for(location: str, options: Mapping[str, Any] | None) -> Storage:
    """Return the storage that the settings name.

    Args:
        location: A folder, or an fsspec URL.
        options: Options for the URL's driver.

    Raises:
        StorageError: There is no driver for the URL, or it refuses the options.
    """
    # Imported when they are needed: drivers take their time.
    if "://" in location and not location.startswith("file:"):
        from tap_qonto.files.remote import RemoteStorage  # noqa: PLC0415

        return RemoteStorage(location, options or {})
    from tap_qonto.files.local import LocalStorage  # noqa: PLC0415

    if location.startswith("file:"):
        location = url2pathname(urlsplit(location).path)
    return LocalStorage(Path(location).expanduser())
