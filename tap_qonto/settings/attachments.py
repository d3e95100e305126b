"""The setting `attachments`, which governs the files of every stream."""

from __future__ import annotations

from singer_sdk import typing as th

ATTACHMENTS = th.ObjectType(
    th.Property(
        "location",
        th.StringType(min_length=1),
        default="attachments",
        title="Location",
        description="Folder or fsspec URL (s3://, gs://, az://, sftp://) for the files.",
    ),
    th.Property(
        "storage_options",
        th.ObjectType(additional_properties=True),
        secret=True,
        title="Storage options",
        description="Options for the fsspec driver of the location, such as keys.",
    ),
    th.Property(
        "mode",
        th.StringType,
        default="files",
        allowed_values=["files", "inline", "metadata"],
        title="Mode",
        description=(
            "files: store them; inline: in the column content_base64; metadata: rows "
            "only, no download."
        ),
    ),
    th.Property(
        "max_bytes",
        th.IntegerType(minimum=1),
        title="Largest file",
        description="Larger files are not fetched, their rows say too_large.",
    ),
    th.Property(
        "concurrency",
        th.IntegerType(minimum=1, maximum=256),
        default=16,
        title="Concurrency",
        description="How many attachments are fetched side by side.",
    ),
    th.Property(
        "sealed",
        th.BooleanType,
        default=False,
        title="Sealed copies",
        description="Store the sealed copy of each file beside it, as a row of role sealed.",
    ),
    additional_properties=False,
)
