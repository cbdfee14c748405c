"""Stages on disk: what the key holds, damage, two makers at once; seeds and the run's context."""

import threading
import time

import numpy as np
import pytest
import torch

from asdbook.errors import BadInput
from asdbook.experiment import seeding
from asdbook.experiment.context import RunContext
from asdbook.experiment.stages import StageCache
from asdbook.paths import slug
from asdbook.systems import files

MODE = {"device": "cpu", "precision": "float32", "compile": False, "threads": 1}


def cache(folder, **options):
    return StageCache(folder, **{"fingerprint": "abc", "seed": 110, "mode": MODE, **options})


class Maker:
    """Counts how often it is asked."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return {"weights": torch.arange(6.0).view(2, 3), "steps": torch.tensor(self.times)}, {"note": [0.1, None]}


@pytest.fixture
def made():
    return Maker()


def test_made_once_and_read_after(tmp_path, made):
    stages = cache(tmp_path)
    key = stages.key("encoder", 1, {"width": 16})
    first, again = stages.get(key, made), cache(tmp_path).get(key, made)
    assert made.times == 1 and again[1] == {"note": [0.1, None]}
    for name, tensor in first[0].items():
        assert torch.equal(tensor, again[0][name]) and tensor.dtype == again[0][name].dtype


def test_all_that_can_change_a_stage_is_in_its_key(tmp_path, made):
    keys = [
        cache(tmp_path).key("encoder", 1, {"width": 16}),
        cache(tmp_path).key("decoder", 1, {"width": 16}),
        cache(tmp_path).key("encoder", 2, {"width": 16}),
        cache(tmp_path).key("encoder", 1, {"width": 17}),
        cache(tmp_path, fingerprint="abd").key("encoder", 1, {"width": 16}),
        cache(tmp_path, seed=111).key("encoder", 1, {"width": 16}),
        cache(tmp_path, mode={**MODE, "threads": 2}).key("encoder", 1, {"width": 16}),
        cache(tmp_path, mode={**MODE, "precision": "bf16"}).key("encoder", 1, {"width": 16}),
    ]
    for key in keys:
        cache(tmp_path).get(key, made)
    assert made.times == len(keys) == len(list(tmp_path.glob("*.safetensors")))


@pytest.mark.parametrize("damage", [lambda b: b[:50], lambda b: b"", lambda b: b[:-3] + b"xyz", lambda b: b"x" * 99])
def test_a_damaged_stage_is_made_again_with_a_note(damage, tmp_path, made):
    notes = []
    stages = cache(tmp_path, note=notes.append)
    key = stages.key("encoder", 1, {})
    stages.get(key, made)
    path = stages.path(key)
    path.write_bytes(damage(path.read_bytes()))
    tensors, _ = stages.get(key, made)
    assert made.times == 2 and int(tensors["steps"]) == 2
    assert len(notes) == 1 and "is made again" in notes[0]
    assert files.read(path)


def test_a_failed_stage_leaves_nothing(tmp_path, made):
    stages = cache(tmp_path)
    key = stages.key("encoder", 1, {})
    with pytest.raises(ZeroDivisionError):
        stages.get(key, lambda: 1 / 0)
    assert not list(tmp_path.glob("*.safetensors*"))
    stages.get(key, made)
    assert made.times == 1


def test_a_full_disk_leaves_nothing(tmp_path, made, monkeypatch):
    stages = cache(tmp_path)
    key = stages.key("encoder", 1, {})

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        stages.get(key, made)
    monkeypatch.undo()
    assert not list(tmp_path.glob("*.safetensors*"))


def test_two_at_once_make_it_once(tmp_path, made):
    def slow():
        time.sleep(0.2)
        return made()

    stages = [cache(tmp_path), cache(tmp_path)]
    key = stages[0].key("encoder", 1, {})
    threads = [threading.Thread(target=s.get, args=(key, slow)) for s in stages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made.times == 1


def test_files_hold_every_type_bit_for_bit(tmp_path):
    tensors = {
        "float16": torch.tensor([1.5, float("inf")], dtype=torch.float16),
        "bfloat16": torch.randn(3, 2).bfloat16(),
        "float64": torch.tensor([0.1, -0.0], dtype=torch.float64),
        "int64": torch.tensor(2**40),
        "bool": torch.tensor([True, False]),
        "empty": torch.zeros(0, 4),
        "strided": torch.arange(12.0).view(3, 4).T,
    }
    shared = {**tensors, "again": tensors["strided"]}  # safetensors alone refuses tensors that share memory
    files.write(tmp_path / "all.safetensors", shared, {"text": "ä", "list": [1.5, None]})
    found, about = files.read(tmp_path / "all.safetensors")
    assert about == {"text": "ä", "list": [1.5, None]}
    for name, tensor in shared.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor)


@pytest.mark.parametrize(
    ("name", "plain"), [("autoencoder", True), ("autoencoder/fan", False), ("../../etc", False), ("", False)]
)
def test_slugs_are_safe(name, plain):
    text = slug(name)
    assert (text == name) == plain
    assert "/" not in text and not text.startswith(".") and text
    assert slug("a/b") != slug("a-b")


def test_seeds_are_these_numbers():
    """They are part of every result: a change here is a change of all records."""
    assert seeding.integer(110, "autoencoder/fan/weights") == 8307684920421231549
    assert seeding.numpy_generator(110, "split", 2).integers(1000, size=4).tolist() == [439, 15, 931, 714]
    assert torch.randperm(6, generator=seeding.torch_generator(0, "x")).tolist() == [5, 3, 4, 2, 1, 0]


def test_seeds_differ_by_seed_purpose_and_epoch():
    numbers = [
        seeding.integer(*arguments)
        for arguments in [(0, "a"), (1, "a"), (0, "b"), (0, "a", 1), (1, "a", 1), (0, "ab"), (0, "")]
    ]
    assert len(set(numbers)) == len(numbers)
    with pytest.raises(BadInput, match="zero or more"):
        seeding.sequence(-1, "a")


def test_threads():
    assert seeding.default_threads(3) == 3
    assert seeding.default_threads() in (1, 2)
    with pytest.raises(BadInput, match="threads = 0"):
        seeding.default_threads(0)


def test_phases_add_up_and_nest():
    ctx = RunContext(threads=1)
    for _ in range(2):
        with ctx.phase("fit"), ctx.phase("train"):
            time.sleep(0.01)
    with pytest.raises(ZeroDivisionError), ctx.phase("score"):
        raise ZeroDivisionError
    assert set(ctx.phases) == set(ctx.memory_mb) == {"fit", "fit/train", "score"}
    assert ctx.phases["fit"] >= ctx.phases["fit/train"] >= 0.02
    assert ctx.memory_mb["fit"] > 10


def test_a_stage_brings_back_its_losses(tmp_path):
    def run():
        ctx = RunContext(threads=1, stages=cache(tmp_path / "stages"), checkpoints=tmp_path / "checkpoints")
        ctx.history["earlier"] = [1.0]

        def produce():
            model = torch.nn.Linear(2, 2)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            ctx.train(
                "small", model, lambda p: model.weight.square().mean(),
                items=4, epochs=2, batch_size=2, optimizer=optimizer,
            )  # fmt: skip
            return model.state_dict()

        return ctx, ctx.stage("part", 1, {}, produce)

    (one, first), (two, again) = run(), run()
    assert one.history == two.history and set(two.history) == {"earlier", "small"}
    assert two.parameters == {"small": 6}
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not list((tmp_path / "checkpoints").glob("*"))  # nothing left to resume


def test_a_stage_counts_its_seconds_once(tmp_path):
    def context():
        return RunContext(threads=1, stages=cache(tmp_path))

    def slow():
        time.sleep(0.05)
        return {"x": torch.zeros(1)}

    first, second = context(), context()
    for ctx in (first, second):
        ctx.stage("part", 1, {}, slow)
        ctx.stage("part", 1, {}, slow)  # read again: counted already
    assert first.earlier == {}
    assert second.earlier["part"] >= 0.05
    second.stage("whole", 1, {}, lambda: second.stage("part", 1, {}, slow))
    third = context()
    third.stage("whole", 1, {}, slow)
    assert third.earlier["whole"] >= 0  # made within the second run: what that one spent on it


def test_a_stage_of_before_its_seconds_were_kept_still_reads(tmp_path, made):
    stages = cache(tmp_path)
    stages.get(stages.key("old", 1, {}), lambda: ({"x": torch.zeros(1)}, {"history": {}, "parameters": {}}))
    ctx = RunContext(threads=1, stages=cache(tmp_path))
    assert torch.equal(ctx.stage("old", 1, {}, made)["x"], torch.zeros(1))
    assert made.times == 0 and ctx.earlier == {"old": 0.0}


def test_outside_sound_must_be_given():
    with pytest.raises(BadInput, match="noise="):
        RunContext(threads=1).extra_audio("noise", 1, 10)
    ctx = RunContext(threads=1, noise=lambda kind, clips, samples: np.ones((clips, samples), np.float32))
    assert ctx.extra_audio("non-machine", 2, 10).shape == (2, 10)
