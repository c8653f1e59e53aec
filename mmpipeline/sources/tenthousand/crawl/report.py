"""The report of one crawl, in counts."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlReport:
    """Counts of one run of the scraper.

    Attributes
    ----------
    listed
        Recipes seen on list pages.
    fetched, not_modified
        Recipe pages whose body came; pages that the site said are unchanged.
    new, changed, deleted
        Recipes read for the first time; read again with another content; gone.
    failed
        Pages and photos that could not be had, by reason.
    skipped_robots
        Pages that robots.txt forbids.
    requests
        Requests sent, robots.txt, lists, redirects, retries and photos included.
    seconds
        Wall time.
    photos
        Photos newly kept.
    resumed
        Pages left undone by an earlier run and found waiting at the start.
    left
        Pages known and still to be fetched in a later run.
    unlisted
        Recipes that the site says it has and no list page has shown yet.
    seconds_left
        How long the rest takes at this run's speed.
    previous_snapshot_id, snapshot_id
        Hash of what decides the parsed result, before and after the run.
    """

    listed: int = 0
    fetched: int = 0
    not_modified: int = 0
    new: int = 0
    changed: int = 0
    deleted: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    skipped_robots: int = 0
    requests: int = 0
    seconds: float = 0.0
    photos: int = 0
    resumed: int = 0
    left: int = 0
    unlisted: int = 0
    seconds_left: float = 0.0
    previous_snapshot_id: str = ""
    snapshot_id: str = ""

    @property
    def found_something_new(self) -> bool:
        """Whether the parsed result would differ from that before the run."""
        return self.snapshot_id != self.previous_snapshot_id

    def counts(self) -> dict[str, float]:
        """Return the counts, failures as ``failed_<reason>``, for tables and logs."""
        names = (
            "listed",
            "fetched",
            "not_modified",
            "new",
            "changed",
            "deleted",
            "skipped_robots",
            "requests",
            "photos",
            "resumed",
            "left",
            "unlisted",
            "seconds_left",
        )
        counts = {name: float(getattr(self, name)) for name in names}
        return counts | {f"failed_{name}": float(n) for name, n in sorted(self.failed.items())}

    def describe(self) -> str:
        """Return one line for a person: what is not zero, or that nothing is new."""
        asked = f"{self.requests:,} requests"
        if not self.found_something_new and not self.failed and not self.left:
            return f"nothing new ({asked})"
        names = ("new", "changed", "deleted", "not_modified", "photos", "skipped_robots", "left",
                 "unlisted")  # fmt: skip
        parts = [
            f"{getattr(self, name):,} {name.replace('_', ' ')}"
            for name in names
            if getattr(self, name)
        ]
        if self.resumed:
            parts.append(f"resumed {self.resumed:,} left undone")
        parts += [f"{n:,} failed: {reason}" for reason, n in sorted(self.failed.items())]
        if self.left + self.unlisted:
            parts.append(f"{describe_duration(self.seconds_left)} for the rest")
        return ", ".join([*(parts or ["nothing new"]), asked])


def describe_duration(seconds: float) -> str:
    """Return a duration for a person, such as "about 4.6 days"."""
    for unit, size in (("days", 86_400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"about {seconds / size:.1f} {unit}"
    return f"about {seconds:.0f} seconds"
