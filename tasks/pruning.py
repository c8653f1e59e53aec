"""Remove artifacts that nothing needs any more."""

from datetime import UTC, datetime
from pathlib import Path

from prefect import task

from mmpipeline.config import RetentionConfig
from mmpipeline.operations.retention import plan_retention, remove_expired
from mmpipeline.storage import ArtifactStore, DataLayout
from tasks.run_lock import only_run
from tasks.stage import describe_counts, publish_counts, report


@task
def prune(config: RetentionConfig, data_root: Path, dry_run: bool, wait_minutes: float) -> int:
    """Remove expired artifacts, or only name them; return how many."""
    layout = DataLayout.at(data_root)
    with only_run(data_root, wait_minutes * 60):
        plan = plan_retention(layout, config, datetime.now(UTC))
        for artifact in plan.expired:
            report("prune", f"{artifact.manifest.kind} {artifact.id} expired", artifact)
        if dry_run:
            report("prune", f"{len(plan.expired)} would go, {plan.expired_bytes / 1e6:.1f} MB")
            return len(plan.expired)
        ArtifactStore(layout).remove_orphans()
        counts = remove_expired(layout, plan)
    report("prune", describe_counts(counts, ("removed", "kept", "freed_mb", "unreadable")))
    publish_counts("prune", counts)
    return len(plan.expired)
