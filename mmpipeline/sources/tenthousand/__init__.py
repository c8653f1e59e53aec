"""The Korean door: brings recipes of 만개의레시피 home, politely and without losing a page.

`crawl_site` fetches into a store (page archive, crawl state, photos); `parse_snapshot` turns the
store into recipe tables offline. `snapshot_id` names what a store holds, and is what later stages
depend on.
"""

from mmpipeline.sources.tenthousand.crawl.report import CrawlReport
from mmpipeline.sources.tenthousand.crawl.run import crawl_site, recheck_site, snapshot_id
from mmpipeline.sources.tenthousand.parse.snapshot import parse_snapshot

__all__ = ["CrawlReport", "crawl_site", "parse_snapshot", "recheck_site", "snapshot_id"]
