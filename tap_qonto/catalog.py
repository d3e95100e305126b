"""Catalogs, as they come from Meltano, from `--discover`, or from elsewhere.

Source: Singer's specification, "Catalog" and "Metadata"; the key ``selected`` outside of
the metadata is from its first version.
"""

from __future__ import annotations

import copy
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers._catalog import get_selected_schema
from singer_sdk.mapper import StreamMap
from singer_sdk.singerlib import MetadataMapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk.mapper import PluginMapper
    from singer_sdk.singerlib import Catalog

logger = logging.getLogger("tap-qonto")


def completed(catalog: Mapping[str, Any], streams: Iterable[type[Any]]) -> dict[str, Any]:
    """Return a catalog with an entry for each stream, as the SDK expects it.

    Keys are facts of the API, whatever the catalog says. A stream that it lacks, or that
    it does not select, is not read.

    Args:
        catalog: A catalog as Singer's specification allows it.
        streams: All streams of the tap.
    """
    given = {entry["tap_stream_id"]: entry for entry in catalog["streams"]}
    entries = [_entry(given.pop(stream.name, {}), stream) for stream in streams]
    for name in given:
        logger.warning("The catalog has a stream %s, which tap-qonto does not have.", name)
    return {**catalog, "streams": entries}


def register(catalog: Catalog, mapper: PluginMapper) -> None:
    """Make the stream maps of all streams, each when it is first asked for.

    Where the user set maps, all are made at once, so that a wrong one fails at start-up.

    Raises:
        MappingError: A map is not valid.
    """
    mapper.stream_maps = _StreamMaps(catalog, mapper)
    if mapper.stream_maps_dict:
        for name in catalog:
            mapper.stream_maps[name]


class _StreamMaps(dict[str, list[StreamMap]]):
    """The maps by stream.

    To the SDK, a stream that is not selected has no properties, and most maps of it fail.
    """

    def __init__(self, catalog: Catalog, mapper: PluginMapper) -> None:
        super().__init__()
        self._catalog = catalog
        self._mapper = mapper

    def __missing__(self, name: str) -> list[StreamMap]:
        entry = self._catalog[name]
        root = replace(entry.metadata.root, selected=True)
        metadata = MetadataMapping({**entry.metadata, (): root})
        schema = get_selected_schema(name, entry.schema.to_dict(), metadata.resolve_selection())
        self._mapper.register_raw_stream_schema(name, copy.deepcopy(schema), entry.key_properties)
        # The SDK takes the properties that a map removes out of this schema, too.
        self[name][0].raw_schema = schema
        return self[name]


def _entry(given: Mapping[str, Any], stream: type[Any]) -> dict[str, Any]:
    full, keys = stream.schema, stream.primary_keys
    replication_key = stream.replication_key if isinstance(stream.replication_key, str) else None
    schema: dict[str, Any] = copy.deepcopy(given.get("schema") or {})
    if not schema.get("properties"):
        schema = {**copy.deepcopy(full), "selected": schema.get("selected")}
    metadata = {
        tuple(each["breadcrumb"]): {**each["metadata"]} for each in given.get("metadata", ())
    }
    root = metadata.setdefault((), {})
    if root.get("selected") is None and not root.get("selected-by-default"):
        root["selected"] = bool(given.get("selected") or schema.get("selected"))
    for name, shape in schema["properties"].items():
        if isinstance(shape, dict) and shape.get("selected") is False:
            metadata.setdefault(("properties", name), {}).setdefault("selected", False)
    for name in {*keys, replication_key} - {None}:
        schema["properties"].setdefault(name, full["properties"][name])
        metadata.setdefault(("properties", name), {})["inclusion"] = "automatic"
    return {
        **given,
        "tap_stream_id": stream.name,
        "stream": stream.name,
        "key_properties": list(keys),
        "replication_key": replication_key,
        "schema": schema,
        "metadata": [
            {"breadcrumb": list(breadcrumb), "metadata": each}
            for breadcrumb, each in metadata.items()
        ],
    }
