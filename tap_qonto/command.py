"""The command line: a failure is a sentence and an exit code, never a traceback."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any

import click
from singer_sdk.exceptions import ConfigValidationError
from typing_extensions import override

from tap_qonto.errors import TapQontoError

if TYPE_CHECKING:
    from singer_sdk.plugin_base import SingerCommand

logger = logging.getLogger("tap-qonto")


class TapCommand(click.Command):
    """The tap's command."""

    @classmethod
    def from_command(cls, command: click.Command, *, logger: logging.Logger) -> TapCommand:
        """Take over what the SDK has put together."""
        return cls(
            name=command.name,
            callback=command.callback,
            params=command.params,
            help=command.help,
            context_settings=command.context_settings,
        )

    @override
    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command; end with 0, or with a sentence and another code."""
        logging.captureWarnings(capture=True)
        try:
            return super().main(*args, **kwargs)
        except ConfigValidationError as error:
            for sentence in error.errors:
                logger.error("%s", sentence)  # noqa: TRY400 - no traceback
        except TapQontoError as error:
            logger.error("%s", error)  # noqa: TRY400
        except Exception as error:  # noqa: BLE001
            logger.error("%s", error)
        sys.exit(1)
