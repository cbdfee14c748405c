"""Random streams: one per clip and purpose, so that nothing that changes one thing disturbs another.

A stream's key names everything that it may depend on. Clip streams hold a label-free number, never the
label; faults draw from their own streams. So a healthy twin of an anomalous clip (severity 0) is the same
clip bit for bit, and adding a fault or a clip leaves all others as they were (methods/simulator.md 6).
"""

from __future__ import annotations

import zlib

import numpy as np

VERSION = 3
"""Raised whenever any sample of any built-in set changes; part of every stream's key.

2: fault strengths set on data seeds 100-104 of version 1, then drawn anew.
3: synthetic-2020 and synthetic-2024; tolerances in every family; twins differ by their fault alone."""


def word(part: int | str) -> int:
    """A 32-bit word for a key part; names go through CRC-32, which does not change between Python runs."""
    return zlib.crc32(part.encode()) if isinstance(part, str) else int(part)


def stream(*key: int | str) -> np.random.Generator:
    """The generator that belongs to `key`, e.g. `stream(preset, data_seed, machine, role, ..., purpose)`."""
    sequence = np.random.SeedSequence(VERSION, spawn_key=tuple(word(part) for part in key))
    return np.random.Generator(np.random.SFC64(sequence))


def permuted_quantiles(rng: np.random.Generator, count: int) -> np.ndarray:
    """The `count` mid-quantiles of U(0, 1) in random order, shape (count,).

    A cell (domain, label) whose levels are drawn so has exactly the level distribution of every other cell
    of that size: a clip's level then says nothing about its label, not even by chance.
    """
    return (rng.permutation(count) + 0.5) / count


def balanced(rng: np.random.Generator, choices: int, count: int) -> np.ndarray:
    """`count` choices out of `choices`, each as often as possible (differences at most 1), random order."""
    rounds = -(-count // choices)
    picks = np.concatenate([rng.permutation(choices) for _ in range(rounds)])[:count]
    return rng.permutation(picks)
