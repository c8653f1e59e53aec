"""Artifacts as Prefect's assets: which kind was made from which, version by version.

An asset is a kind of artifact (``mmpipeline://catalog``); every version that a run makes is a
materialization of it, with its id, counts and folder, related to the kinds it was made from. They
are events, sent beside those of task runs: a run that makes nothing sends none. Prefect's own
server keeps and lists them; the page that draws them as a graph is Prefect Cloud's.
"""

from prefect.assets import Asset, AssetProperties
from prefect.context import AssetContext, FlowRunContext
from prefect.states import Completed

from mmpipeline.planning.keys import ENTRIES
from mmpipeline.storage.layout import folder_of
from mmpipeline.storage.manifest import Artifact

SCHEME = "mmpipeline://"


def note_materialization(artifact: Artifact) -> None:
    """Tell Prefect that a version was made, and from what; outside of a run, do nothing.

    Parameters
    ----------
    artifact
        What was just made.
    """
    if FlowRunContext.get() is None:
        return
    manifest = artifact.manifest
    made = Asset(
        key=f"{SCHEME}{manifest.kind}",
        properties=AssetProperties(
            name=manifest.kind,
            description=f"Versions lie in {folder_of(manifest.kind)} of the data folder",
        ),
    )
    sources = {role for role in manifest.inputs if role in ENTRIES} - {manifest.kind}
    version = {
        "id": artifact.id,
        "folder": str(artifact.folder),
        "inputs": dict(manifest.inputs),
        "counts": dict(artifact.counts),
    }
    AssetContext(
        downstream_assets={made},
        direct_asset_dependencies={Asset(key=f"{SCHEME}{role}") for role in sources},
        materialization_metadata={made.key: version},
    ).emit_events(Completed())
