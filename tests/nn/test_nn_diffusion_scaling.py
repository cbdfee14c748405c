"""Why embeddings are scaled to unit power per dimension: the lowest loss goes with chance scores."""

import pytest
import torch
from sklearn.metrics import roc_auc_score

from asdbook.nn.diffusion import Denoiser, Schedule, diffusion_loss, mean_error

SCHEDULE = Schedule.build()
DIMENSION = 64
LABEL = [0] * 300 + [1] * 300


def unit(z):
    return z / z.norm(dim=1, keepdim=True)


@pytest.fixture(scope="module")
def sphere():
    """990 training vectors of 20 clusters on the unit sphere; 300 like them, 300 moved by 0.3 in any direction."""
    generator = torch.Generator().manual_seed(0)

    def normal(n):
        return torch.randn(n, DIMENSION, generator=generator)

    centres = unit(normal(20))
    clips = centres[torch.randint(20, (1590,), generator=generator)] + 0.2 / DIMENSION**0.5 * normal(1590)
    train, test = unit(clips[:990]), unit(clips[990:])
    test[300:] = unit(test[300:] + 0.3 * unit(normal(300)))
    return train, test


@pytest.fixture(scope="module")
def trained(sphere):
    """Factor on unit vectors -> (denoiser, loss of the last 10 epochs)."""
    return {factor: fit(sphere[0] * factor) for factor in (1.0, DIMENSION**0.5)}


def fit(z, epochs=150):
    torch.manual_seed(0)
    network = Denoiser(DIMENSION, hidden=128, time_features=32)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    history = []
    for _ in range(epochs):
        for rows in torch.randperm(len(z)).split(128):
            loss = diffusion_loss(network, z[rows], SCHEDULE)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            history.append(loss.item())
    return network.eval(), sum(history[-80:]) / 80


def auc(network, z, **how):
    return roc_auc_score(LABEL, mean_error(network, z, SCHEDULE, range(600), seed=0, **how))


def test_unit_power_separates_and_unit_norm_does_not(sphere, trained):
    train, test = sphere
    assert roc_auc_score(LABEL, -(test @ train.T).amax(dim=1)) > 0.99  # a neighbour solves it
    how = {"reading": "onestep", "steps": 100, "draws": 8}
    (small, small_loss), (large, large_loss) = trained[1.0], trained[DIMENSION**0.5]
    assert auc(large, test * DIMENSION**0.5, **how) > 0.95
    assert auc(small, test, **how) < 0.6
    assert small_loss < 0.75 * large_loss  # the noise is easy to see where the data are tiny


def test_from_the_last_step_nothing_is_known_of_the_clip(sphere, trained):
    network, _ = trained[DIMENSION**0.5]
    assert auc(network, sphere[1] * DIMENSION**0.5, steps=500) == pytest.approx(0.5, abs=0.06)
    assert auc(network, sphere[1] * DIMENSION**0.5, steps=200) > 0.6
