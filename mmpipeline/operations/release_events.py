"""Release events for a Prefect server, so that the model registry's aliases follow.

The deployment `follow_release/after-release` waits for the event and applies it. CURRENT and the
record of releases stay the truth: where no server answers, nothing is lost, the doctor reports the
difference, and the next run of `publish_index` brings the registry in step.
"""

import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

import requests

from mmpipeline.operations.prefect_login import login_headers
from mmpipeline.search.release.record import Release
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.locations import is_same

EVENT = "mmpipeline.index.released"
TIMEOUT_S = 5


def announce_release(layout: DataLayout, release: Release) -> bool:
    """Emit the event `mmpipeline.index.released`.

    Parameters
    ----------
    layout
        The data folder, where `make ui` leaves its server's address.
    release
        What was decided; a refusal changes nothing that answers and is told all the same, for it
        makes a challenger.

    Returns
    -------
    bool
        Whether a server took it.
    """
    api = _server(layout)
    if api is None:
        return False
    event = {
        "id": str(uuid.uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": EVENT,
        "resource": {
            "prefect.resource.id": f"mmpipeline.index.{release.version}",
            "prefect.resource.name": f"index {release.version}",
        },
        "payload": {"action": release.action, "before": release.before, "reason": release.reason},
    }
    try:
        return requests.post(
            f"{api}/events", json=[event], headers=login_headers(), timeout=TIMEOUT_S
        ).ok
    except requests.RequestException:
        return False


def _server(layout: DataLayout) -> str | None:
    """Return the API that ``PREFECT_API_URL`` names, or that of `make ui`."""
    named = os.environ.get("PREFECT_API_URL")
    if named:
        return named.rstrip("/")
    return announced_api(layout)


def announced_api(layout: DataLayout) -> str | None:
    """Return the address of the API that `make ui` left in the data folder.

    Parameters
    ----------
    layout
        The data folder.

    Returns
    -------
    str or None
        None without one, or where it came with a copy: that server is the original's.
    """
    try:
        announced = json.loads((layout.state / "ui.json").read_bytes())
        url, root = str(announced["prefect_api"]), announced.get("data_root", layout.root)
        return url if is_same(Path(root), layout.root) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
