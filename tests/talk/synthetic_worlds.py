"""A synthetic world of seconds: few classes, few samples."""

from mmpipeline.config import SyntheticConfig
from mmpipeline.talk.data import generate
from mmpipeline.talk.measure.suite import SyntheticSuite

SMALL = SyntheticConfig(
    seed=5, classes=12, known_classes=4, scopes=(4, 7, 12), pool_per_class=60, test_per_class=20
)


def small_suite() -> SyntheticSuite:
    return SyntheticSuite(generate(SMALL))
