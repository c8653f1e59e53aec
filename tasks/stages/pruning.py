"""The pruning of artifacts, and of caches of encoders, that nothing needs any more."""

from datetime import UTC, datetime
from pathlib import Path

from prefect import task

from mmpipeline.config.publish import RetentionConfig
from mmpipeline.operations.retention import plan_retention, remove_expired
from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.layout import DataLayout
from tasks.runtime.run_lock import data_root_lock
from tasks.runtime.stage import describe_counts, publish_counts, report

SHOWN = ("removed", "kept", "caches", "freed_mb", "unreadable")


@task
def prune(config: RetentionConfig, data_root: Path, dry_run: bool, wait_minutes: float) -> int:
    """Remove expired artifacts and unused caches, or only name them; return how many artifacts."""
    from mmpipeline.operations.feature_caches import plan_caches

    layout = DataLayout.at(data_root)
    with data_root_lock(data_root, wait_minutes * 60):
        now = datetime.now(UTC)
        plan = plan_retention(layout, config, now)
        caches = plan_caches(layout, plan.kept, config, now)
        for artifact in plan.expired:
            report("prune", f"{artifact.manifest.kind} {artifact.id} expired", artifact)
        unused = caches.unused()
        for path in unused:
            report("prune", f"feature cache {path.stem} is of no feature set that is kept")
        if caches.unknown:
            report("prune", f"no feature cache goes: {caches.unknown}")
        if dry_run:
            megabytes = (plan.expired_bytes + sum(path.stat().st_size for path in unused)) / 1e6
            report("prune", f"{len(plan.expired)} would go, {megabytes:.1f} MB with caches")
            return len(plan.expired)
        ArtifactStore(layout).remove_orphans()
        counts = remove_expired(layout, plan)
        freed_mb = counts["freed_mb"] + caches.carry_out() / 1e6
        counts |= {"caches": float(len(unused)), "freed_mb": round(freed_mb, 1)}
    report("prune", describe_counts(counts, SHOWN))
    publish_counts("prune", counts)
    return len(plan.expired)
