"""Dense autoencoder of the official DCASE Task 2 baselines (2020 to 2025).

640-128-128-128-128-8-128-128-128-128-640. Every layer but the last is followed by batch normalisation and ReLU,
also the 8-dimensional bottleneck, so the code is never negative. The last layer is linear.
"""

from __future__ import annotations

from torch import Tensor, nn


def dense(inputs: int, outputs: int) -> nn.Sequential:
    """Linear, batch normalisation, ReLU. eps and momentum are Keras's defaults in torch's convention."""
    return nn.Sequential(
        nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs, eps=1e-3, momentum=0.01), nn.ReLU()
    )


class Autoencoder(nn.Module):
    """(vector, inputs) -> (vector, inputs).

    Args:
        inputs: length of a vector (5 frames x 128 bands).
        hidden: width of the four hidden layers on each side.
        bottleneck: length of the code.
    """

    def __init__(self, inputs: int = 640, hidden: int = 128, bottleneck: int = 8):
        super().__init__()
        self.encoder = nn.Sequential(
            dense(inputs, hidden),
            dense(hidden, hidden),
            dense(hidden, hidden),
            dense(hidden, hidden),
            dense(hidden, bottleneck),
        )
        self.decoder = nn.Sequential(
            dense(bottleneck, hidden),
            dense(hidden, hidden),
            dense(hidden, hidden),
            dense(hidden, hidden),
            nn.Linear(hidden, inputs),
        )

    def forward(self, vectors: Tensor) -> Tensor:
        return self.decoder(self.encoder(vectors))
