import numpy as np
import torch

from mmpipeline.config import MomentConfig, TalkMethodConfig, VirtualClassConfig
from mmpipeline.talk.methods.episodes import ClassBatches, MomentEpisodes, draw_masks
from mmpipeline.talk.methods.virtual_classes import VirtualClasses

POOL = [torch.randn(5, 40, dim, generator=torch.Generator().manual_seed(dim)) for dim in (6, 9, 4)]
CLASSES = VirtualClasses(POOL, VirtualClassConfig())


def test_a_batch_holds_known_and_virtual_classes() -> None:
    config = TalkMethodConfig(real_classes=4, virtual_classes=3, samples_per_class=6)
    batch = ClassBatches(CLASSES, config).make(np.random.default_rng(0))
    assert [rows.shape for rows in batch.inputs] == [(42, 6), (42, 9), (42, 4)]
    assert batch.label.tolist() == [label for label in range(7) for _ in range(6)]
    is_pool = torch.isin(batch.inputs[0][:, 0], POOL[0][..., 0])
    assert is_pool.tolist() == [True] * 24 + [False] * 18
    assert len({tuple(row) for row in batch.mask.tolist()}) > 3


def test_no_more_known_classes_than_there_are() -> None:
    batch = ClassBatches(CLASSES, TalkMethodConfig()).make(np.random.default_rng(0))
    assert len(batch.label) == 5 * 8


def test_cross_batches_share_one_proper_subset() -> None:
    batches = ClassBatches(CLASSES, TalkMethodConfig(cross_weight=1.0))
    seen = set()
    for seed in range(60):
        mask = batches.make(np.random.default_rng(seed)).mask
        assert (mask == mask[0]).all()
        seen.add(tuple(mask[0].tolist()))
    assert len(seen) == 6
    assert (True, True, True) not in seen


def test_episodes_keep_queries_and_references_apart() -> None:
    episodes = MomentEpisodes(CLASSES, MomentConfig(classes=7, queries=3, largest_k=50))
    sizes = set()
    for seed in range(40):
        episode = episodes.make(np.random.default_rng(seed))
        sizes.add(episode.references[0].shape[1])
        assert episode.references[1].shape == (7, episode.references[0].shape[1], 9)
        assert episode.queries.inputs[2].shape == (21, 4)
        assert episode.queries.label.tolist() == [label for label in range(7) for _ in range(3)]
        assert episode.queries.mask.any(dim=1).all()
    assert min(sizes) == 1
    assert max(sizes) > 30


def test_the_same_generator_gives_the_same_batch() -> None:
    batches = ClassBatches(CLASSES, TalkMethodConfig(virtual_classes=2))
    first, again = (batches.make(np.random.default_rng(7)) for _ in range(2))
    assert torch.equal(first.mask, again.mask)
    assert all(torch.equal(a, b) for a, b in zip(first.inputs, again.inputs, strict=True))


def test_masks_are_uniform_over_subsets() -> None:
    masks = draw_masks(7000, 3, np.random.default_rng(0)).numpy()
    counts = np.bincount(masks @ [1, 2, 4], minlength=8)
    assert counts[0] == 0
    assert (np.abs(counts[1:] - 1000) < 150).all()
    assert draw_masks(20, 1, np.random.default_rng(0), proper=True).all()
