import numpy as np
import pytest
import torch
from torch import nn

from mmpipeline.errors import StageError
from mmpipeline.training.class_selector import ClassSelector, hold_out_classes

LABELS = np.repeat([7, 3, 9, 5, 1], 6)


def test_no_class_is_on_both_sides() -> None:
    trained, held_out = hold_out_classes(LABELS, 0.4, seed=1)
    assert sorted([*trained, *held_out]) == list(range(30))
    assert not set(LABELS[trained]) & set(LABELS[held_out])
    assert len(set(LABELS[held_out])) == 2
    choices = {tuple(hold_out_classes(LABELS, 0.4, seed)[1]) for seed in range(9)}
    assert len(choices) > 1
    assert np.array_equal(hold_out_classes(LABELS, 0.4, 1)[1], held_out)


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_two_classes_are_needed_on_each_side(share: float) -> None:
    with pytest.raises(StageError, match="at least two are needed on each side"):
        hold_out_classes(LABELS, share, 0)


def test_the_score_equals_a_plain_loop() -> None:
    vectors = torch.randn(30, 4, generator=torch.Generator().manual_seed(3))
    vectors += 0.7 * torch.from_numpy(LABELS % 4)[:, None]
    selector = ClassSelector(lambda _: vectors, LABELS, references=2, seed=4)
    drawn = selector._references
    means = {
        int(LABELS[rows[0]]): nn.functional.normalize(vectors[rows], dim=1).mean(0)
        for rows in drawn
    }
    assert set(means) == set(LABELS)
    rights: dict[int, list[bool]] = {label: [] for label in means}
    for row in set(range(30)) - set(drawn.flatten().tolist()):
        cosines = {
            label: float(nn.functional.cosine_similarity(vectors[row], mean, dim=0))
            for label, mean in means.items()
        }
        rights[int(LABELS[row])].append(max(cosines, key=cosines.__getitem__) == LABELS[row])
    expected = np.mean([np.mean(right) for right in rights.values()])
    assert 0 < expected < 1
    assert selector(nn.Identity()) == {"val_score": pytest.approx(expected)}


def test_a_perfect_embedding_scores_one_and_small_classes_are_named() -> None:
    perfect = torch.eye(10)[torch.from_numpy(LABELS)]
    assert ClassSelector(lambda _: perfect, LABELS, 3, 0)(nn.Identity()) == {"val_score": 1.0}
    with pytest.raises(StageError, match="class 1 has 6 rows; more than 6 references"):
        ClassSelector(lambda _: perfect, LABELS, 6, 0)
