"""Augmentation of batches on the device, without knowledge of data sets or systems."""

from asdbook.augment.anomaly_masks import Shapes, anomaly_masks, bands, perlin, spread, touched
from asdbook.augment.mixing import feature_exchange, mixup, one_hot
from asdbook.augment.replacement import Sampling, replacements, visibility

__all__ = [
    "Sampling",
    "Shapes",
    "anomaly_masks",
    "bands",
    "feature_exchange",
    "mixup",
    "one_hot",
    "perlin",
    "replacements",
    "spread",
    "touched",
    "visibility",
]
