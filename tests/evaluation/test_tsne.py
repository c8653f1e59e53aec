from pathlib import Path

import numpy as np
import torch
from PIL import Image

from mmpipeline.evaluation.tsne import choose_per_class, draw_tsne, project_tsne


def test_neighbours_stay_neighbours_and_the_seed_decides() -> None:
    generator = torch.Generator().manual_seed(0)
    label = np.repeat(np.arange(3), 20)
    centres = torch.eye(3).repeat_interleave(20, dim=0)
    vectors = centres + 0.05 * torch.randn(60, 3, generator=generator)
    places = project_tsne(vectors, seed=1)
    assert np.array_equal(places, project_tsne(vectors, seed=1))
    distances = np.linalg.norm(places[:, None] - places, axis=2) + 1e9 * np.eye(60)
    assert (label[distances.argmin(axis=1)] == label).all()


def test_the_plot_is_a_picture_of_two_panels(tmp_path: Path) -> None:
    label = np.repeat(np.arange(60), 2)
    places = np.random.default_rng(0).normal(size=(120, 2))
    draw_tsne(places, label, known_classes=30, path=tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as image:
        assert image.size == (1320, 624)
        assert len(set(image.convert("RGB").resize((330, 156)).get_flattened_data())) > 50
    first = (tmp_path / "map.png").read_bytes()
    draw_tsne(places, label, known_classes=30, path=tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes() == first


def test_the_first_rows_of_each_class_are_chosen() -> None:
    label = np.array([1, 0, 1, 1, 0, 2])
    assert choose_per_class(label, 2).tolist() == [0, 1, 2, 4, 5]
