"""Rewrites the definitions for Meltano Hub: ``python -m scripts.hub``.

It is made from what ``tap-qonto --about --format json`` says, and from the texts below,
in the form that the Hub's own linter wants: keys in order, lists not indented.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import yaml
from typing_extensions import override

from scripts.generate import ROOT, selected_by_default, settings_of_meltano
from tap_qonto.login import scopes_for
from tap_qonto.settings.authentication import WAYS

VARIANT = "tap-qonto"
"""The Hub names variants after the account that holds the repository."""
PATH = ROOT / "hub" / "_data" / "meltano" / "extractors" / "tap-qonto" / f"{VARIANT}.yml"
LOADER = ROOT / "hub" / "target-postgres.yml"

_PREREQ = f"""\
One of these, for the organization whose invoices are to be read:

- An API key: in Qonto's web app under *Integrations and Partnerships*, *API key*. It has
  two parts, `login` and `secret_key`.
- An OAuth app with the scopes {", ".join(f"`{scope}`" for scope in scopes_for([]))}. The command
  `meltano invoke tap-qonto:login` gets the first `refresh_token`.
- A ready `access_token`.
"""
_USAGE = """\
## Files

The streams `attachments`, `statement_files` and `…_attachments` store their files at
`attachments.location`: a folder, or an fsspec URL such as `s3://bucket/folder`. For such a URL
add the extra to the `pip_url`: `tap-qonto[s3]`, `tap-qonto[gcs]`, `tap-qonto[azure]` or
`tap-qonto[sftp]`. With `attachments.mode` set to `metadata` no file is fetched.

## Check the settings

`meltano config test tap-qonto` reads a first row.

## Deletions

Qonto does not say what was deleted. With this in `meltano.yml` each run reads everything, and
targets that know ACTIVATE_VERSION drop what is gone:

```yaml
metadata:
  supplier_invoices:
    replication-method: FULL_TABLE
```
"""


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and no references."""

    @override
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def about() -> dict[str, Any]:
    """Ask the tap what it is."""
    command = [sys.executable, "-m", "tap_qonto", "--about", "--format", "json"]
    said = subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    facts: dict[str, Any] = json.loads(said.stdout)
    return facts


def definition() -> str:
    """Write the definition."""
    facts = about()
    name = facts["name"]
    description = facts["description"].removeprefix("Singer tap for Qonto: ")
    return yaml.dump(
        {
            "name": name,
            "namespace": name.replace("-", "_"),
            "variant": VARIANT,
            "label": "Qonto",
            "description": description[0].upper() + description[1:],
            "pip_url": name,
            "executable": name,
            "domain_url": "https://qonto.com",
            "keywords": ["meltano_sdk"],
            "maintenance_status": "beta",
            "quality": "silver",
            "supported_python_versions": facts["supported_python_versions"],
            "capabilities": sorted(facts["capabilities"]),
            "commands": {
                "login": {
                    "executable": f"{name}-login",
                    "args": "",
                    "description": "Get the first OAuth tokens: agree in the browser.",
                }
            },
            "settings_group_validation": [list(names) for names in WAYS.values()],
            "settings": settings_of_meltano(),
            "select": selected_by_default(),
            "prereq": _PREREQ,
            "usage": _USAGE,
        },
        Dumper=_Dumper,
        allow_unicode=True,
        width=1000,
    )


def loader() -> str:
    """Write the definition of target-postgres, which is that of meltano.yml."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))
    (found,) = (each for each in project["plugins"]["loaders"] if each["name"] == "target-postgres")
    return yaml.safe_dump(found, allow_unicode=True, sort_keys=False, width=1000)


def main() -> None:
    """Rewrite the files."""
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(definition(), "utf-8")
    LOADER.write_text(loader(), "utf-8")


if __name__ == "__main__":
    main()
