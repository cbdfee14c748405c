"""Perlin and band maps against loops, the notes' golden values (methods/auddsr.md 5 and 9.8-9.10) and their limits."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asdbook.augment import anomaly_masks, bands, perlin, spread, touched
from asdbook.augment.anomaly_masks import rotated
from asdbook.errors import BadInput, UnknownName

H, W = 128, 320  # the paper's log-mel, padded


def coverage(masks):
    return masks.float().mean(dim=(1, 2))


def runs(line):
    """Lengths of the runs of True in a bool vector."""
    edges = torch.diff(line.int(), prepend=torch.zeros(1, dtype=torch.int), append=torch.zeros(1, dtype=torch.int))
    return ((edges == -1).nonzero() - (edges == 1).nonzero())[:, 0].tolist()


def is_band(mask):
    """9.9: all rows that are not empty are the same, and they are neighbours."""
    rows = mask[mask.any(dim=1)]
    return len(rows) > 0 and bool((rows == rows[0]).all()) and len(runs(mask.any(dim=1))) == 1


# ---- Perlin


def naive_perlin(angles, rows, columns, height, width):
    """One sample, pixel by pixel in Python floats: `angles[i][j]` the gradient's angle at lattice point (i, j)."""

    def fade(t):
        return 6 * t**5 - 15 * t**4 + 10 * t**3

    image = []
    for py in range(height):
        for px in range(width):
            y, x = py * rows / height, px * columns / width
            i, j = math.floor(y), math.floor(x)
            value = 0.0
            for down in (0, 1):
                for right in (0, 1):
                    dy, dx, angle = y - i - down, x - j - right, float(angles[i + down][j + right])
                    share_y = fade(y - i) if down else 1 - fade(y - i)
                    share_x = fade(x - j) if right else 1 - fade(x - j)
                    value += share_y * share_x * (math.sin(angle) * dy + math.cos(angle) * dx)
            image.append(math.sqrt(2) * value)
    return torch.tensor(image, dtype=torch.float64).reshape(height, width)


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 20), st.integers(1, 25), st.integers(0, 3), st.integers(0, 1000))
def test_perlin_equals_the_loops(height, width, finest, seed):
    """The draws in their order, a lattice for each sample, and sides that the lattice does not divide."""
    torch.manual_seed(seed)
    images = perlin(3, height, width, exponents=(0, finest))
    torch.manual_seed(seed)
    rows, columns = 2 ** torch.randint(0, finest + 1, (2, 3))
    angles = 2 * math.pi * torch.rand(3, 2**finest + 1, 2**finest + 1)
    for i, image in enumerate(images):
        expected = naive_perlin(angles[i], int(rows[i]), int(columns[i]), height, width)
        torch.testing.assert_close(image.double(), expected, atol=2e-5, rtol=0)


def test_perlin_golden_values():
    """9.8: zero on the lattice, sqrt(2)/4 at the centres of cells, mean 0, never above 1, a twentieth above 0.5."""
    torch.manual_seed(0)
    noise = perlin(300, H, W, exponents=(3, 3))
    assert noise[:, ::16, ::40].abs().max() < 1e-12
    assert float(noise[:, 8::16, 20::40].std()) == pytest.approx(math.sqrt(2) / 4, abs=0.006)  # 19,200 values
    assert abs(float(noise.mean())) < 0.02 and float(noise.abs().max()) <= 1
    assert 0.045 < float((noise > 0.5).float().mean()) < 0.065


@pytest.mark.parametrize(("k", "spread_of_values", "empty"), [(0, 0.22, 0.57), (1, 0.29, 0.15), (3, 0.305, 0.0)])
def test_perlin_of_square_lattices(k, spread_of_values, empty):
    """The notes' 5.1: standard deviation within a map, and share of empty maps at one resolution.

    Over all maps the deviation is the same for each lattice; few cells only leave less of it within one map.
    """
    torch.manual_seed(1)
    noise = perlin(300, H, W, exponents=(k, k))
    assert float(noise.flatten(1).std(dim=1).mean()) == pytest.approx(spread_of_values, abs=0.012)
    assert float(noise.std()) == pytest.approx(0.305, abs=0.015)
    assert 0.035 < float((noise > 0.5).float().mean()) < 0.072  # maps of one cell differ by 0.1
    assert float((noise <= 0.5).all(dim=2).all(dim=1).float().mean()) == pytest.approx(empty, abs=0.09)


@pytest.mark.parametrize(
    ("rotate", "covered", "middle", "fine", "coarse"),
    [(False, 0.057, 0.053, 0.103, 0.172), (True, 0.032, 0.029, 0.064, 0.113)],
)
def test_coverage_of_perlin_maps(rotate, covered, middle, fine, coarse):
    """The notes' 5.1, both rows in bold, with the empty maps in."""
    torch.manual_seed(2)
    masks = perlin(400, H, W, rotate=rotate) > 0.5
    assert float(coverage(masks).mean()) == pytest.approx(covered, abs=0.007)
    assert float(coverage(masks).median()) == pytest.approx(middle, abs=0.008)
    assert float((coverage(masks) == 0).float().mean()) == pytest.approx(0.052, abs=0.035)
    assert float(touched(masks, 4).float().mean()) == pytest.approx(fine, abs=0.012)
    assert float(touched(masks, 8).float().mean()) == pytest.approx(coarse, abs=0.02)


def test_every_sample_has_its_own_lattice():
    """Along a lattice row the noise is 0 at lattice columns alone: their number tells the cells of the axis."""
    torch.manual_seed(3)
    noise = perlin(60, 128, 64, exponents=(0, 3))
    zero_rows = (noise.abs() < 1e-9)[:, :, 0].sum(dim=1)  # column 0 is on the lattice: zeros at each lattice row
    assert set(zero_rows.tolist()) == {1, 2, 4, 8}


# ---- rotation


@settings(deadline=None, max_examples=25)
@given(st.integers(30, 60), st.integers(30, 90), st.floats(-math.pi / 2, math.pi / 2))
def test_rotation_keeps_distances_and_shapes(height, width, angle):
    """A round dot stays round and as far from the centre, also where the image is not square."""
    y = torch.arange(height)[:, None] - (height - 1) / 2
    x = torch.arange(width)[None, :] - (width - 1) / 2

    def dot(at_y, at_x):  # 4 pixels wide
        return torch.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / 32)

    turned = rotated(torch.stack([dot(9, 0), dot(0, 9)]), torch.tensor([angle, angle]))
    expected = [
        dot(9 * math.cos(angle), -9 * math.sin(angle)),
        dot(9 * math.sin(angle), 9 * math.cos(angle)),
    ]
    inside = (y**2 + x**2).sqrt() <= min(height, width) / 2 - 1
    assert float(((turned - torch.stack(expected)).abs() * inside).max()) < 0.02


def test_quarter_turn_and_no_turn_of_a_long_image():
    torch.manual_seed(4)
    image = torch.rand(1, 11, 41)
    torch.testing.assert_close(rotated(image, torch.zeros(1)), image)
    turned = rotated(image, torch.tensor([math.pi / 2]))[0]
    square = image[0, :, 15:26]  # 11 x 11 about the centre
    either = [torch.rot90(square, k) for k in (1, -1)]
    assert any(torch.allclose(turned[:, 15:26], one, atol=1e-4) for one in either)
    assert not turned[:, :14].any() and not turned[:, 27:].any()  # from outside: 0


# ---- bands


def test_coverage_of_bands():
    """The notes' 5.2."""
    torch.manual_seed(5)
    masks = bands(3000, H, W)
    covered = coverage(masks)
    assert float(covered.mean()) == pytest.approx(0.159, abs=0.012)
    assert float(covered.median()) == pytest.approx(0.086, abs=0.012)
    assert float(covered.quantile(0.05)) == pytest.approx(0.011, abs=0.002)
    assert float(covered.quantile(0.95)) == pytest.approx(0.570, abs=0.05)
    assert float(touched(masks, 4).float().mean()) == pytest.approx(0.176, abs=0.012)
    assert float(touched(masks, 8).float().mean()) == pytest.approx(0.199, abs=0.012)


def test_law_of_bands():
    torch.manual_seed(6)
    masks = bands(3000, H, W)
    width = masks.any(dim=2).sum(dim=1)
    assert int(width.min()) == 4 and int(width.max()) > 120
    octaves = torch.histc(width.float().clamp(max=127).log2(), bins=5, min=2, max=7) / len(width)
    assert ((octaves - 0.2).abs() < 0.05).all()  # log-uniform from 4 to 128: as many in each octave
    time = masks.any(dim=1)
    assert float(time.all(dim=1).float().mean()) == pytest.approx(0.3, abs=0.03)
    parts = [runs(line) for line in time if not line.all()]
    lengths = [length for own in parts for length in own]
    assert {len(own) for own in parts} == {1, 2, 3, 4, 5}  # overlapping segments join
    assert min(lengths) == W // 16 and max(length for own in parts for length in own) > W // 4
    first = time.int().argmax(dim=1)[~time.all(dim=1)]
    assert int(first.min()) == 0 and int((time[:, -1] & ~time.all(dim=1)).sum()) > 0  # both edges are reached


def test_one_segment_has_the_lengths_of_the_law():
    torch.manual_seed(7)
    length = bands(2000, 8, 320, whole=0.0, segments=(1, 1)).any(dim=1).sum(dim=1)
    assert (int(length.min()), int(length.max())) == (20, 80)
    assert float(length.float().mean()) == pytest.approx(50, abs=2)  # uniform


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 40), st.integers(1, 70), st.integers(1, 8), st.floats(0, 1), st.integers(0, 1000))
def test_bands_of_any_size_are_bands(height, width, least, whole, seed):
    torch.manual_seed(seed)
    masks = bands(4, height, width, least_band=least, whole=whole)
    assert masks.dtype == torch.bool and masks.shape == (4, height, width)
    assert all(is_band(mask) for mask in masks)
    assert int(masks.any(dim=2).sum(dim=1).min()) >= min(least, height)


# ---- both


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from(["both", "perlin", "band"]),
    st.sampled_from([(128, 32), (32, 32), (16, 4), (1, 1), (5, 9)]),
    st.booleans(),
    st.sampled_from([0.3, 0.5, 0.9]),
    st.integers(0, 9),
    st.integers(0, 1000),
)
def test_never_empty(shapes, size, rotate, threshold, tries, seed):
    torch.manual_seed(seed)
    masks = anomaly_masks(12, *size, shapes=shapes, rotate=rotate, threshold=threshold, tries=tries)
    assert masks.dtype == torch.bool and masks.shape == (12, *size)
    assert masks.flatten(1).any(dim=1).all()


def test_both_shapes_half_and_half():
    torch.manual_seed(8)
    share = {
        shapes: sum(is_band(mask) for mask in anomaly_masks(300, H, W, shapes=shapes)) / 300
        for shapes in ("both", "perlin", "band")
    }
    assert share["band"] == 1 and share["perlin"] < 0.03
    assert 0.4 < share["both"] < 0.6


def test_an_empty_map_is_drawn_again_before_a_band_stands_in():
    """One cell an axis leaves 57 % empty: after one draw that many are bands, after eight draws hardly any."""
    torch.manual_seed(9)
    share = {
        tries: sum(is_band(mask) for mask in anomaly_masks(150, H, W, shapes="perlin", exponents=(0, 0), tries=tries))
        for tries in (1, 8)
    }
    assert share[1] / 150 == pytest.approx(0.57, abs=0.14) and share[8] <= 8
    assert all(is_band(mask) for mask in anomaly_masks(20, H, W, shapes="perlin", threshold=1.0))  # never reached


def test_perlin_maps_are_noise_above_the_threshold():
    torch.manual_seed(10)
    low, high = (coverage(anomaly_masks(200, H, W, shapes="perlin", threshold=t)).mean() for t in (0.3, 0.6))
    assert float(low) == pytest.approx(0.180, abs=0.02) and float(high) == pytest.approx(0.026, abs=0.006)


def test_draws_follow_the_global_generator():
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(anomaly_masks(8, 64, 64, rotate=True))
    assert torch.equal(results[0], results[1]) and not torch.equal(results[0], results[2])
    assert not torch.equal(results[0][0], results[0][1])  # one draw a sample, not one a batch


def test_no_sample_no_map():
    assert anomaly_masks(0, 32, 32).shape == (0, 32, 32)


def test_unknown_shapes():
    with pytest.raises(UnknownName, match="perlin"):
        anomaly_masks(2, 32, 32, shapes="perlins")


# ---- cells


def test_cells_of_one_pixel():
    """9.10."""
    mask = torch.zeros(1, 16, 24, dtype=torch.bool)
    mask[0, 5, 9] = True
    assert touched(mask, 4).nonzero().tolist() == [[0, 1, 2]] and touched(mask, 8).nonzero().tolist() == [[0, 0, 1]]
    for cell, rows, columns in ((4, range(4, 8), range(8, 12)), (8, range(8), range(8, 16))):
        target = spread(touched(mask, cell), cell)
        assert target.nonzero().tolist() == [[0, y, x] for y in rows for x in columns]


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 2, 4, 8]), st.integers(0, 1000))
def test_cells_equal_the_loops(h, w, cell, seed):
    torch.manual_seed(seed)
    mask = torch.rand(2, h * cell, w * cell) < 0.1
    cells = touched(mask, cell)
    for n in range(2):
        for i in range(h):
            for j in range(w):
                own = mask[n, i * cell : (i + 1) * cell, j * cell : (j + 1) * cell]
                assert bool(cells[n, i, j]) == bool(own.any())
    target = spread(cells, cell)
    assert target.dtype == torch.bool and (target >= mask).all()  # covers the map
    assert torch.equal(touched(target, cell), cells)


@pytest.mark.parametrize(("size", "cell"), [((128, 313), 8), ((130, 320), 4)])
def test_sides_that_do_not_divide(size, cell):
    with pytest.raises(BadInput, match="multiples of the cell"):
        touched(torch.ones(1, *size, dtype=torch.bool), cell)
