"""Feature caches that no kept feature set was encoded with, and may go.

A cache is named by all that decides what becomes of a content: encoder, settings, the libraries
that decode and multiply. Encoders are therefore built anew from the settings of the kept feature
sets, and what they would look up stays. Of encoders that cannot be built here (a package is
missing) nobody can tell the name: then every cache stays.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from mmpipeline.config.features import FeatureConfig
from mmpipeline.config.publish import RetentionConfig
from mmpipeline.errors import PipelineError
from mmpipeline.features.cache import prune_cache, unused_caches
from mmpipeline.features.encoder_set import EncoderSet
from mmpipeline.features.photo_keys import CACHE_NAME as PHOTO_KEYS
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import Artifact


@dataclass(frozen=True, slots=True)
class CachePlan:
    """Which caches stay.

    Attributes
    ----------
    folder
        Of all caches.
    used
        Names of those that kept feature sets use.
    before
        Others go if they were last written to before this time; seconds since the epoch.
    unknown
        Why no cache goes; empty when it is known which are used.
    """

    folder: Path
    used: frozenset[str]
    before: float
    unknown: str = ""

    def unused(self) -> list[Path]:
        """Return the files that would go."""
        return [] if self.unknown else unused_caches(self.folder, self.used, self.before)

    def carry_out(self) -> int:
        """Delete them; return the bytes that were freed."""
        return 0 if self.unknown else prune_cache(self.folder, self.used, self.before)


def plan_caches(
    layout: DataLayout, kept: Iterable[Artifact], config: RetentionConfig, now: datetime
) -> CachePlan:
    """Decide which feature caches stay; nothing is touched.

    Parameters
    ----------
    layout
        The data folder.
    kept
        Artifacts that stay; feature sets among them say what is used.
    config
        How long what nobody uses is kept.
    now
        The time to count days from, with its zone.

    Returns
    -------
    CachePlan
        What stays.
    """
    before = (now.astimezone(UTC) - timedelta(days=config.keep_days)).timestamp()
    used: set[str] = set()
    for artifact in kept:
        if artifact.manifest.kind != "features":
            continue
        try:
            section = FeatureConfig.model_validate(artifact.manifest.config)
            used.update((*EncoderSet.build(section).cache_names.values(), PHOTO_KEYS))
        except (PipelineError, ValidationError) as error:
            reason = f"the encoders of features {artifact.id} cannot be built here: {error}"
            return CachePlan(layout.feature_cache, frozenset(), before, reason)
    return CachePlan(layout.feature_cache, frozenset(used), before)
