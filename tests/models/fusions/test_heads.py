import torch

from mmpipeline.models.fusions.heads import ProjectionHead, ReconstructionDecoder


def test_a_head_projects_any_number_of_vectors() -> None:
    head = ProjectionHead(5, 8, 3)
    assert head(torch.randn(2, 4, 5)).shape == (2, 4, 3)
    assert head(torch.randn(0, 5)).shape == (0, 3)


def test_a_head_is_not_linear() -> None:
    torch.manual_seed(0)
    head = ProjectionHead(5, 8, 3)
    rows = torch.randn(2, 5)
    middle = head(rows).mean(dim=0)
    assert not torch.allclose(head(rows.mean(dim=0)), middle)


def test_a_decoder_learns_its_input() -> None:
    torch.manual_seed(0)
    inputs = torch.randn(16, 4)
    decoder = ReconstructionDecoder(4, 32, 4)
    optimizer = torch.optim.Adam(decoder.parameters(), lr=1e-2)
    for _ in range(200):
        loss = (decoder(inputs) - inputs).square().mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    assert loss.item() < 0.05
    assert float(decoder(inputs).detach().min()) < 0


def test_a_decoder_of_non_negative_inputs_has_no_negative_answers() -> None:
    torch.manual_seed(0)
    decoder = ReconstructionDecoder(4, 8, 6, non_negative=True)
    assert float(decoder(torch.randn(20, 4)).detach().min()) == 0.0
