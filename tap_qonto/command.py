"""The command line: a failure is a sentence and an exit code, never a traceback."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click
from singer_sdk.exceptions import ConfigValidationError
from typing_extensions import override

from tap_qonto.errors import OutputError, StreamsError, TapQontoError
from tap_qonto.output import redaction

if TYPE_CHECKING:
    from collections.abc import Generator

logger = logging.getLogger("tap-qonto")

_NEW_OBJECTS = 50_000
"""How many more objects than before may there be until Python looks for cyclic garbage."""

TEST = (
    "Use --test to see which of the selected streams can be read, and why the others cannot: "
    "a request for each, a line for each, and nothing is stored. Exits with status 1 if one "
    "cannot be read. Use --test=schema to write the SCHEMA messages alone."
)
"""What `--help` says of `--test`."""


class Terminated(BaseException):
    """A signal ends the run; no handler of errors may hold it up.

    Args:
        signum: The signal's number.

    Attributes:
        code: The exit code.
    """

    def __init__(self, signum: int) -> None:
        """Say which signal it was."""
        name = signal.Signals(signum).name
        super().__init__(f"Stopped by {name}. The next run continues from the last saved state.")
        self.code = 128 + signum

    def end_anyway(self, patience: float) -> None:
        """End the process, whatever blocks it.

        Args:
            patience: Seconds for the sentence, since the log can be what blocks it.
        """
        teller = threading.Thread(target=logger.error, args=("%s", self), daemon=True)
        teller.start()
        teller.join(patience)
        os._exit(self.code)


class TapCommand(click.Command):
    """The SDK's command for the tap, with exit codes and error sentences of our own."""

    @classmethod
    def of(cls, command: click.Command) -> TapCommand:
        """Copy a command's name, options and callback."""
        for option in command.params:
            # --test needs the catalog, whichever comes first on the line.
            option.is_eager |= option.name == "catalog"
            if option.name == "test" and isinstance(option, click.Option):
                option.help = TEST
        return cls(
            name=command.name,
            callback=command.callback,
            params=command.params,
            help=command.help,
            context_settings=command.context_settings,
        )

    @override
    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command, and end the process even where a download hangs."""
        logging.captureWarnings(capture=True)
        redaction.keep_drivers_quiet()
        try:
            return super().main(*args, **kwargs)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        if code and threading.active_count() > 1:
            gc.collect()  # runs the clean-up of suspended generators
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):
                    stream.flush()
            os._exit(code)
        sys.exit(code)

    @override
    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the options; some of them act at once."""
        with _sentences():
            return super().make_context(*args, **kwargs)

    @override
    def invoke(self, ctx: click.Context) -> Any:
        """Run."""
        # The many objects of a page are not cyclic, and those of the start stay: to look for
        # garbage among them, as Python does at every 700 new ones, took a tenth of a run.
        gc.freeze()
        gc.set_threshold(_NEW_OBJECTS)
        with _sentences():
            return super().invoke(ctx)


@contextmanager
def _sentences() -> Generator[None, None, None]:
    """Turn failures into sentences and exit codes."""
    code = 0
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Terminated as end:
        code = end.code
        logger.error("%s", end)  # noqa: TRY400 - no traceback
    except (ConfigValidationError, StreamsError) as error:
        code = 1
        for sentence in error.errors:
            logger.error("%s", sentence)  # noqa: TRY400
    except TapQontoError as error:
        code = 1
        logger.error("%s", error)  # noqa: TRY400
        if isinstance(error, OutputError):
            _drop_output()
    except Exception as error:
        code = 1
        logger.error(  # noqa: TRY400
            "Unexpected %s: %s. The state is as after the last STATE message; report "
            "this to the maintainers of tap-qonto, with a log at level DEBUG.",
            type(error).__name__,
            error,
        )
        logger.debug("Where it happened", exc_info=True)
    if code:
        raise click.exceptions.Exit(code)


def _drop_output() -> None:
    """Keep Python from complaining of the broken pipe once more at its end."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
