"""Lines of the SDK's log that repeat for each of many streams."""

from __future__ import annotations

import logging

_DETAILS = {"Added '%s' as child stream to '%s'", "Skipping deselected stream '%s'."}


def only_at_debug(logger: logging.Logger) -> None:
    """Keep details out of a log, unless its level is DEBUG."""
    logger.addFilter(_is_wanted)


def _is_wanted(record: logging.LogRecord) -> bool:
    is_debug = logging.getLogger(record.name).isEnabledFor(logging.DEBUG)
    return is_debug or str(record.msg) not in _DETAILS
