"""Provenance of artifacts: the code that a stage reaches, as a digest for its key.

From a stage's entries `reach` follows imports and names through the product's own definitions
(`map`, of modules taken apart by `module`, `statements` and `names`), adds the `data` files that
they read, and leaves out what only plumbs (`policy`). Definitions count in a `normal_form`. Nothing
is imported for it: the whole is read as text (`tree`), and once a process (`code`).

It is static, so it can only tell what may run: each branch and each method of a class counts, also
those that one config never takes. Versions of libraries do not count.
"""

from mmpipeline.provenance.code import CODE_MARK, covered_code, digest_code, prepare
from mmpipeline.provenance.reach import Reach

__all__ = ["CODE_MARK", "Reach", "covered_code", "digest_code", "prepare"]
