"""Stroke images: their labels, their geometry, and that classes can be told apart."""

import pytest
import torch
from scipy import stats

from provenn.bayes.pfn.priors import StrokesPrior, strokes
from provenn.bayes.pfn.priors.strokes import Strokes


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_support_holds_each_class_equally_often():
    _, y = StrokesPrior().sample(200, 27, generator=seeded())
    for labels in y[:, :25].long():
        assert labels.bincount(minlength=5).tolist() == [5] * 5
    later = y[:, 25:].long().flatten().bincount().numpy()
    assert stats.chisquare(later).pvalue > 1e-3
    first = y[:, 0].long().bincount().numpy()
    assert stats.chisquare(first).pvalue > 1e-3


def test_labels_are_uniform_without_a_support():
    _, y = StrokesPrior(3, None).sample(50, 20, generator=seeded())
    assert stats.chisquare(y.long().flatten().bincount().numpy()).pvalue > 1e-3
    assert len((y == 0).sum(-1).unique()) > 1


def test_strokes_of_a_class_lie_inside_and_have_their_length():
    start, reach, number = strokes._draw_classes(400, 5, seeded(), torch.device("cpu"))
    end = start + reach
    assert start.min() == 2
    assert start.max() == 25
    assert (start == start.round()).all()
    assert (end >= 0).all()
    assert (end <= 27).all()
    length = reach.norm(dim=-1)
    torch.testing.assert_close(length, length.round(), rtol=0, atol=1e-4)
    assert length.round().unique().tolist() == list(range(5, 21))
    assert stats.chisquare(number.flatten().bincount()[1:].numpy()).pvalue > 1e-3


def test_strokes_have_the_law_of_one_at_a_time():
    """Start, length and direction against a loop that follows the definition word by word."""
    draw = seeded(1)

    def integer(low, high):
        return int(torch.randint(low, high + 1, (), generator=draw))

    expected = []
    for _ in range(3000):
        failures = 0
        while True:
            if failures % 3 == 0:
                start, length = (integer(2, 25), integer(2, 25)), integer(5, 20)
            angle = 2 * torch.pi * torch.rand((), generator=draw)
            reach = (length * float(angle.cos()), length * float(angle.sin()))
            if all(0 <= s + r <= 27 for s, r in zip(start, reach, strict=True)):
                break
            failures += 1
        expected.append([*start, *reach, length])
    expected = torch.tensor(expected)
    start, reach, _ = strokes._draw_classes(400, 5, seeded(), torch.device("cpu"))
    found = torch.cat([start, reach, reach.norm(dim=-1, keepdim=True).round()], -1).flatten(0, 2)
    for i in range(5):
        assert stats.ks_2samp(found[:, i].numpy(), expected[:, i].numpy()).pvalue > 1e-3


def test_a_line_covers_the_pixels_near_it():
    """Against the definition, pixel by pixel, for a slanted line of each width."""
    start = torch.tensor([[[4.0, 6.0]] * 4])
    reach = torch.tensor([[[15.0, 9.0]] * 4])
    found = strokes._covered(start, reach, torch.arange(1, 5)[None])[0]
    length = (15**2 + 9**2) ** 0.5
    for image, width in zip(found, range(1, 5), strict=True):
        for y in range(28):
            for x in range(28):
                along = ((x - 4) * 15 + (y - 6) * 9) / length
                across = ((y - 6) * 15 - (x - 4) * 9) / length
                inside = -0.5 <= along <= length + 0.5 and abs(across) <= width / 2
                assert bool(image[y, x]) == inside


def test_only_the_first_strokes_of_a_class_are_drawn():
    start = torch.tensor([[2.0, 2.0], [2.0, 20.0], [20.0, 2.0]]).expand(1, 3, 3, 2)
    reach = torch.tensor([[4.0, 3.0]]).expand(1, 3, 3, 2)
    number = torch.tensor([[1, 2, 3]])
    images = strokes._draw_images(Strokes(start, reach, number), seeded())[0]
    lit = [
        bool(image[rows, columns].any())
        for image in images
        for rows, columns in ((slice(14, 28), slice(0, 14)), (slice(0, 14), slice(16, 28)))
    ]
    assert lit == [False, False, True, False, True, True]


def test_pixels_are_ink_paper_or_slightly_blurred():
    x, _ = StrokesPrior(5, None).sample(20, 10, generator=seeded(), dtype=torch.float64)
    assert x.min() == 0
    assert x.max() <= 254.5 / 255
    paper = x < 0.08  # two neighbours of ink, at most four, each give 2 %
    ink = x > 0.7
    assert (paper | ink).all()
    assert 0.02 < ink.double().mean() < 0.2


def test_the_blur_keeps_the_brightness_and_has_its_variance():
    image = torch.zeros(1, 28, 28)
    image[0, 10, 12] = 1.0
    blurred = strokes._blur(image)[0]
    assert blurred.sum().item() == pytest.approx(1.0, abs=1e-6)
    pixel = torch.arange(28.0)
    assert (blurred.sum(0) @ (pixel - 12) ** 2).item() == pytest.approx(0.2**2, abs=1e-6)
    assert (blurred.sum(1) @ (pixel - 10) ** 2).item() == pytest.approx(0.2**2, abs=1e-6)
    flat = torch.ones(1, 28, 28)
    torch.testing.assert_close(strokes._blur(flat), flat)


def test_a_query_looks_like_its_class():
    """The nearest support image, over small shifts, is far more often of its class than 1 in 5."""
    x, y = StrokesPrior().sample(60, 26, generator=seeded())
    support = (x[:, :25] > 0.5).float().view(60, 25, 28, 28)
    query = (x[:, 25:] > 0.5).float().view(60, 1, 28, 28)
    overlap = torch.zeros(60, 25)
    norm = support.flatten(2).sum(-1) + query.flatten(2).sum(-1)
    for down in range(-8, 9, 2):
        for right in range(-8, 9, 2):
            both = support * query.roll((down, right), (2, 3))
            overlap = torch.maximum(overlap, 2 * both.flatten(2).sum(-1) / norm.clamp(min=1))
    nearest = y[:, :25].gather(1, overlap.argmax(-1, keepdim=True)).squeeze(-1)
    assert (nearest == y[:, 25]).double().mean() > 0.4


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_classes": 1}, ValueError, "n_classes must be at least 2, got 1"),
        ({"n_classes": 5.0}, TypeError, "n_classes"),
        ({"shots": 0}, ValueError, "shots must be at least 1, got 0"),
        ({"shots": "5"}, TypeError, "shots"),
    ],
)
def test_a_bad_argument_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        StrokesPrior(**arguments)
