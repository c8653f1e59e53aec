import torch

from mmpipeline.evaluation.synthetic_models import ROWS_PER_BLOCK, embed_by
from mmpipeline.models import FusionModel


def test_embeds_block_by_block_what_is_shown() -> None:
    torch.manual_seed(0)
    model = FusionModel({"0": 3, "1": 2}, 8, 4).eval()
    count = ROWS_PER_BLOCK + 3
    inputs = [torch.randn(count, 3), torch.full((count, 2), float("nan"))]
    vectors = embed_by(model)(inputs, (0,))
    assert vectors.shape == (count, 4)
    alone = model.embed({"0": inputs[0][-2:]}, torch.tensor([[True, False]] * 2))
    torch.testing.assert_close(vectors[-2:], alone)
