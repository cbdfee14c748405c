"""Maps of simulated anomalies: where in a spectrogram codes are replaced, as Perlin blobs or as bands in time.

V. Zavrtanik, M. Marolt, M. Kristan, D. Skocaj, "Anomalous sound detection by feature-level anomaly simulation", ICASSP
2024 (AudDSR), names both kinds and gives no numbers. Perlin noise has the parameters of DSR (same first author, ECCV
2022) after K. Perlin, "Improving noise", SIGGRAPH 2002; the law of the bands is [our choice] (methods/auddsr.md 5).

Random numbers come from torch's global generator, which the training loop seeds for every epoch.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from asdbook.errors import BadInput, UnknownName

Shapes = Literal["both", "perlin", "band"]


def _whole(low: Tensor | int, high: Tensor) -> Tensor:
    """One uniform whole number for every entry of `high`, both ends included (int64)."""
    drawn = low + (torch.rand(high.shape, device=high.device) * (high - low + 1)).long()
    return drawn.minimum(high)  # the largest float32 below 1, times a count, can round up to the count


def perlin(
    n: int,
    height: int,
    width: int,
    *,
    exponents: tuple[int, int] = (0, 5),
    rotate: bool = False,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Perlin noise, one lattice a sample: float32 (n, height, width) within [-1, 1], 0 on lattice points.

    Pixel y lies at y * cells / height of the lattice, so that no side need be a multiple of the number of cells.

    Args:
        exponents: an axis has 2^k cells, k uniform between these two, drawn for each axis on its own.
        rotate: turn each image by an angle uniform in (-90, 90) degrees; what comes from outside is 0.
    """
    low, high = exponents
    rows, columns = 2 ** torch.randint(low, high + 1, (2, n), device=device)
    points = 2**high + 1  # of the finest lattice; a coarser one uses a corner of it
    angles = 2 * math.pi * torch.rand(n, points, points, device=device)
    y = torch.arange(height, device=device) * rows[:, None] / height  # (n, height), in cells
    x = torch.arange(width, device=device) * columns[:, None] / width
    image = math.sqrt(2) * _noise(angles.sin(), angles.cos(), y, x)
    if not rotate:
        return image
    return rotated(image, math.pi * (torch.rand(n, device=device) - 0.5))


def _noise(gradient_y: Tensor, gradient_x: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Gradients (n, point, point) and lattice coordinates (n, height), (n, width) -> noise (n, height, width)."""
    sample = torch.arange(len(y), device=y.device)[:, None, None]
    row, column = y.long()[:, :, None], x.long()[:, None, :]
    dy, dx = y[:, :, None] - row, x[:, None, :] - column  # in [0, 1): place within the cell

    def ramp(down: int, right: int) -> Tensor:  # of the plane that belongs to one corner of the cell
        at = (sample, row + down, column + right)
        return gradient_y[at] * (dy - down) + gradient_x[at] * (dx - right)

    fade_x = _fade(dx)
    upper = torch.lerp(ramp(0, 0), ramp(0, 1), fade_x)
    lower = torch.lerp(ramp(1, 0), ramp(1, 1), fade_x)
    return torch.lerp(upper, lower, _fade(dy))


def _fade(t: Tensor) -> Tensor:
    """6 t^5 - 15 t^4 + 10 t^3: 0 to 1 with first and second derivative 0 at both ends."""
    return t**3 * (t * (6 * t - 15) + 10)


def rotated(images: Tensor, angles: Tensor) -> Tensor:
    """Images (n, height, width) turned about their centre by angles (n,) in radians, bilinear, 0 from outside.

    Distances in pixels stay: the grid is turned in pixels, not in the [-1, 1] of `affine_grid`, which would shear an
    image that is not square.
    """
    height, width = images.shape[1:]
    y = torch.arange(height, device=images.device)[:, None] - (height - 1) / 2  # pixels from the centre
    x = torch.arange(width, device=images.device)[None, :] - (width - 1) / 2
    cos, sin = angles.cos()[:, None, None], angles.sin()[:, None, None]
    # align_corners=False: the outer edges of the outer pixels, half a side from the centre, are -1 and 1
    grid = torch.stack([(cos * x + sin * y) * 2 / width, (cos * y - sin * x) * 2 / height], dim=-1)
    return functional.grid_sample(images[:, None], grid, mode="bilinear", align_corners=False)[:, 0]


def bands(
    n: int,
    height: int,
    width: int,
    *,
    least_band: int = 4,
    whole: float = 0.3,
    segments: tuple[int, int] = (1, 5),
    device: torch.device | str = "cpu",
) -> Tensor:
    """One frequency band a sample, marked over the whole time or in several segments: bool (n, height, width).

    The paper states a band and several segments of consecutive frames; the rest is [our choice]. The band is
    log-uniformly wide, so that narrow tones and clicks over all bands are both frequent. A segment lasts a sixteenth to
    a quarter of the time; segments may overlap. A map is never empty.

    Args:
        least_band: least width in rows; 4 are one row of fine cells. The greatest is `height`.
        whole: probability of the whole time.
        segments: least and greatest number of segments otherwise.
    """
    least = math.log(min(least_band, height))
    spread_of_width = math.log(height) - least
    high = torch.exp(least + spread_of_width * torch.rand(n, device=device)).round().long().clamp(1, height)
    top = _whole(0, height - high)[:, None]
    row = torch.arange(height, device=device)
    in_band = (row >= top) & (row < top + high[:, None])  # (n, height)
    count = torch.randint(segments[0], segments[1] + 1, (n, 1), device=device)
    shortest = max(1, width // 16)
    longest = torch.full((n, segments[1]), max(shortest, width // 4), device=device)
    length = _whole(shortest, longest)
    start = _whole(0, width - length)[:, :, None]
    frame = torch.arange(width, device=device)
    in_segment = (frame >= start) & (frame < start + length[:, :, None])  # (n, segment, width)
    in_segment &= (torch.arange(segments[1], device=device) < count)[:, :, None]
    in_time = in_segment.any(dim=1) | (torch.rand(n, 1, device=device) < whole)
    return in_band[:, :, None] & in_time[:, None, :]


def anomaly_masks(
    n: int,
    height: int,
    width: int,
    *,
    shapes: Shapes = "both",
    rotate: bool = False,
    threshold: float = 0.5,
    exponents: tuple[int, int] = (0, 5),
    tries: int = 8,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Maps of anomalies, none of them empty: bool (n, height, width).

    A Perlin map marks noise above the threshold; a twentieth of them is empty (128 x 320) and would leave a clean
    sample that is called anomalous, so an empty one is drawn again. After `tries` draws a band stands in for it.

    Args:
        shapes: "both" draws Perlin or band half and half for each sample [our choice].
        rotate, exponents: of `perlin`.
        threshold: of the noise; one-sided as in DSR.
        tries: draws of a Perlin map, the first one counted.

    Raises:
        UnknownName: no such shapes.
    """
    if shapes not in get_args(Shapes):
        raise UnknownName("shape of anomaly maps", shapes, get_args(Shapes))
    masks = bands(n, height, width, device=device)
    share = {"both": 0.5, "perlin": 1.0, "band": 0.0}[shapes]
    wanted = (torch.rand(n, device=device) < share).nonzero()[:, 0]  # samples that still need a Perlin map
    for _ in range(tries):
        if not len(wanted):
            break
        drawn = perlin(len(wanted), height, width, exponents=exponents, rotate=rotate, device=device) > threshold
        found = drawn.flatten(1).any(dim=1)
        masks[wanted[found]] = drawn[found]
        wanted = wanted[~found]
    return masks


def touched(mask: Tensor, cell: int) -> Tensor:
    """Cells of cell x cell pixels in which any pixel is marked: (n, H, W) -> bool (n, H / cell, W / cell).

    Raises:
        BadInput: a side is no multiple of the cell (a pooled map would silently lose its last row or column).
    """
    n, height, width = mask.shape
    if height % cell or width % cell:
        raise BadInput(f"map of {height} x {width} pixels: both sides must be multiples of the cell, {cell}; pad first")
    return mask.bool().reshape(n, height // cell, cell, width // cell, cell).any(dim=4).any(dim=2)


def spread(cells: Tensor, cell: int) -> Tensor:
    """All pixels of the marked cells, nearest upsampling: (n, h, w) -> (n, h * cell, w * cell).

    `spread(touched(mask, cell), cell)` is the target: it covers exactly what was replaced (DSR's rule).
    """
    return cells.repeat_interleave(cell, dim=1).repeat_interleave(cell, dim=2)
