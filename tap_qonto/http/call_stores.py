"""Where calls are counted: in memory, in SQLite for a machine, in Redis for several."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pyrate_limiter import AbstractBucket, InMemoryBucket, RedisBucket, SQLiteBucket

from tap_qonto.errors import ConfigError, TapQontoError

if TYPE_CHECKING:
    from collections.abc import Generator

    from pyrate_limiter import Rate

_NAME = "tap_qonto_calls"


def opened(store: str, rates: list[Rate]) -> AbstractBucket:
    """Return the store that the setting `rate_limit_store` names, for these windows."""
    scheme, _, place = store.partition("://")
    if scheme == "sqlite":
        path = Path(place[1:]).absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        return SQLiteBucket.init_from_file(rates, _NAME, str(path), use_file_lock=True)
    if scheme in {"redis", "rediss"}:
        from redis import Redis  # noqa: PLC0415 - is an extra

        bucket: AbstractBucket = RedisBucket.init(rates, Redis.from_url(store), _NAME)
        return bucket
    return InMemoryBucket(rates)


def forget_after(bucket: AbstractBucket, moment: int) -> None:
    """Forget calls that were counted by a clock which has been set back since.

    Args:
        bucket: The store.
        moment: Milliseconds of its clock; calls that are later go.
    """
    if isinstance(bucket, SQLiteBucket):
        bucket.conn.execute(f"DELETE FROM '{bucket.table}' WHERE item_timestamp > ?", (moment,))  # noqa: S608 - our own name
        bucket.conn.commit()
    elif isinstance(bucket, RedisBucket):
        bucket.redis.zremrangebyscore(bucket.bucket_key, f"({moment}", "+inf")


@contextmanager
def store_errors(store: str) -> Generator[None, None, None]:
    """Say in a sentence that a store fails, without its password."""
    try:
        yield
    except (TapQontoError, ValueError):
        raise
    except ImportError as error:
        msg = "rate_limit_store redis:// needs a driver; install tap-qonto[redis]."
        raise ConfigError(msg) from error
    except Exception as error:
        msg = (
            f"rate_limit_store {store.partition(':')[0]}: cannot be used "
            f"({type(error).__name__}). Check its path or address."
        )
        raise ConfigError(msg) from error
