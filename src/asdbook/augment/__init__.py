"""Augmentation of batches on the device, without knowledge of data sets or systems."""

from asdbook.augment.mixing import feature_exchange, mixup, one_hot

__all__ = ["feature_exchange", "mixup", "one_hot"]
