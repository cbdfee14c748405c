"""The training loop: repeats, resumes bit for bit after `kill -9`, stops on NaN, weighs batches by size."""

import os
import signal

import numpy as np
import pytest
import torch
from torch import nn

from asdbook.errors import BadInput, RunFailed
from asdbook.experiment import context as context_module
from asdbook.experiment.context import RunContext, resolve_mode
from asdbook.systems import files

EPOCHS = 5


def setting(ctx, dropout=0.5):
    """A small network with dropout and batch normalisation, data, loss and optimiser, all from the seed."""
    with ctx.seeded("net/weights"):
        model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 6))
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, fused=True)
    return model, lambda p: nn.functional.mse_loss(model(x[p]), x[p]), optimizer


def train(ctx, **options):
    model, loss, optimizer = setting(ctx)
    options = {"items": 50, "epochs": EPOCHS, "batch_size": 16, "optimizer": optimizer, **options}
    return model, ctx.train("net", model, options.pop("loss", loss), **options)


def make(folder=None, **options):
    return RunContext(threads=1, checkpoints=folder, checkpoint_seconds=0.0, **options)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values()))


def test_same_seed_repeats_and_another_does_not():
    one, log = train(make())
    two, again = train(make())
    assert same(one, two) and log == again
    three, other = train(make(seed=111))
    assert not same(one, three) and log.epochs != other.epochs


def test_the_callers_random_numbers_are_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    ctx = make()
    train(ctx)
    assert torch.equal(torch.rand(3), expected)


def test_order_and_losses():
    ctx, seen = make(), []
    model, loss, optimizer = setting(ctx)

    def watched(positions):
        seen.append(positions.clone())
        return loss(positions)

    log = ctx.train("net", model, watched, items=50, epochs=2, batch_size=16, optimizer=optimizer)
    assert [len(p) for p in seen] == [16, 16, 16, 2] * 2
    for epoch in (0, 1):
        visited = torch.cat(seen[4 * epoch : 4 * epoch + 4])
        assert torch.equal(visited, ctx.order("net", 50, epoch))
        assert sorted(visited.tolist()) == list(range(50))
    assert not torch.equal(ctx.order("net", 50, 0), ctx.order("net", 50, 1))
    assert len(log.last_steps) == 4
    assert log.epochs[-1] == pytest.approx(np.average(log.last_steps, weights=[16, 16, 16, 2]), rel=1e-12)
    assert ctx.history["net"] == log.epochs and ctx.parameters["net"] == 6 * 8 + 8 + 16 + 8 * 6 + 6


def test_a_small_last_batch_is_left_out():
    seen = []
    ctx = make()
    model, loss, optimizer = setting(ctx)
    ctx.train(
        "net", model, lambda p: (seen.append(len(p)), loss(p))[1],
        items=33, epochs=1, batch_size=16, optimizer=optimizer, min_batch=2,
    )  # fmt: skip
    assert seen == [16, 16]
    with pytest.raises(RunFailed, match="net: 1 training items"):
        train(make(), items=1, min_batch=2)


def test_weights_do_not_depend_on_the_batch_size_or_on_other_draws():
    one, _, _ = setting(make())
    torch.rand(100)
    ctx = make()
    ctx.generator("something else")
    two, _, _ = setting(ctx)
    assert same(one, two)


@pytest.mark.parametrize("dies_in", [1, 3, EPOCHS - 1])
def test_killed_and_resumed_is_the_same_bit_for_bit(dies_in, tmp_path):
    straight, log = train(make())

    def die(epoch):
        if epoch == dies_in:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        train(make(tmp_path), before_epoch=die)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    epochs, said = [], []
    resumed, again = train(make(tmp_path, on_progress=said.append), before_epoch=epochs.append)
    assert epochs == list(range(dies_in, EPOCHS))
    assert said[0] == f"net: resumed after epoch {dies_in}"
    assert same(resumed, straight) and again == log


def test_a_finished_training_is_not_repeated(tmp_path):
    first, second = make(tmp_path), make(tmp_path)
    one, log = train(first)
    two, again = train(second, loss=lambda positions: pytest.fail("trained again"))
    assert same(one, two) and again == log
    assert first.earlier == {} and second.earlier["net"] > 0  # what the first run spent on it


@pytest.mark.parametrize("damage", ["cut", "changed", "other"])
def test_a_useless_checkpoint_is_left_aside(damage, tmp_path):
    one, log = train(make())
    seed = 111 if damage == "other" else 110
    train(make(tmp_path, seed=seed))
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    if damage != "other":
        path.write_bytes(whole[:200] if damage == "cut" else whole[:-4] + bytes(4))
    said = []
    two, again = train(make(tmp_path, on_progress=said.append))
    assert "training starts again" in said[0]
    assert same(one, two) and again == log


def test_checkpoints_are_as_rare_as_asked(tmp_path, monkeypatch):
    written = []
    write = files.write
    monkeypatch.setattr(files, "write", lambda *a: (written.append(a), write(*a)))
    ctx = make(tmp_path)
    ctx.checkpoint_seconds = 3600.0
    train(ctx)
    assert len(written) == 1  # the last epoch always has one


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_with_its_place(bad, tmp_path):
    ctx = make(tmp_path)
    model, loss, optimizer = setting(ctx)
    steps = []

    def breaks(positions):
        steps.append(1)
        return loss(positions) * (bad if len(steps) == 4 * 2 + 3 else 1.0)

    with pytest.raises(RunFailed, match=r"net: loss is (nan|inf) in epoch 3, step 3") as caught:
        ctx.train("net", model, breaks, items=50, epochs=5, batch_size=16, optimizer=optimizer)
    assert "\n" not in str(caught.value) and caught.value.exit_code == 3
    _, about = files.read(next(tmp_path.iterdir()))
    assert len(about["epochs"]) == 2  # what was finished before is kept


def test_gradients_are_clipped():
    ctx = make()
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    ctx.train(
        "steep", model, lambda p: -1000.0 * model.weight.sum(),
        items=1, epochs=1, batch_size=1, optimizer=optimizer, clip_norm=0.5,
    )  # fmt: skip
    assert model.weight.item() == pytest.approx(0.5, rel=1e-4)


def test_bf16_is_in_the_loss_alone(monkeypatch):
    monkeypatch.setattr(context_module, "_has_bf16", lambda kind: True)
    ctx = make(precision="bf16")
    model = nn.Linear(4, 4)
    kinds = []

    def loss(positions):
        kinds.append(model(torch.ones(2, 4)).dtype)
        return model(torch.ones(2, 4)).float().square().mean()

    ctx.train(
        "mixed", model, loss, items=4, epochs=1, batch_size=2,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
    )  # fmt: skip
    assert kinds == [torch.bfloat16] * 2 and model.weight.dtype == torch.float32


def test_modes_fall_back_with_a_note(monkeypatch):
    monkeypatch.setattr(context_module, "_has_bf16", lambda kind: False)
    monkeypatch.setattr(context_module.shutil, "which", lambda name: None)
    said = []
    ctx = make(precision="bf16", compile=True, on_progress=said.append)
    assert (ctx.precision, ctx.compile) == ("float32", False)
    assert len(said) == 2 and ctx.notes == said
    module = nn.Linear(2, 2)
    assert ctx.compiled(module) is module


@pytest.mark.parametrize(
    ("device", "precision", "message"), [("tpu", "float32", "'tpu'"), ("cpu", "fp16", "'fp16'")]
)
def test_unknown_modes_are_refused(device, precision, message):
    with pytest.raises(BadInput, match=message):
        resolve_mode(device, precision, False)


def test_cuda_without_a_device_is_refused():
    if torch.cuda.is_available():
        pytest.skip("a CUDA device is here")
    with pytest.raises(BadInput, match="no CUDA device"):
        make(device="cuda")


@pytest.mark.gpu
def test_gpu_trains_as_the_cpu_does():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(256, 6)).astype(np.float32))
    losses = {}
    for device in ("cpu", "cuda"):
        ctx = make(device=device)
        with ctx.seeded("net/weights"):
            model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 6)).to(device)
        y = x.to(device)
        log = ctx.train(
            "net", model, lambda p, m=model, y=y: nn.functional.mse_loss(m(y[p]), y[p]),
            items=256, epochs=3, batch_size=2, optimizer=torch.optim.Adam(model.parameters(), lr=1e-3),
        )  # fmt: skip
        losses[device] = log.epochs
    assert losses["cpu"] == pytest.approx(losses["cuda"], rel=1e-2)
