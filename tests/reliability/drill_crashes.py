"""Processes that are killed or interrupted, and two at once."""

from __future__ import annotations

import shutil
import time

from forks import Stop
from harm import contents
from lab import EPOCHS, TRAIN, TRIVIAL, Lab, result, said, whole_runs
from table import Outcome, drill

NOTHING_SAID = "nothing: the process is gone"


@drill("kill -9", "a folder is being decoded, 10 of 24 clips done")
def kill_decoding(lab: Lab) -> Outcome:
    home = lab.home()
    lab.killed(*lab.folder_run, home=home, stop=Stop("asdbook.data.waves:WaveWriter.append", nth=10))
    assert not list(home.glob("data/*/set.json")), "a half-decoded set passes for whole"
    _, seconds = lab.recover(*lab.folder_run, home=home)
    return Outcome(NOTHING_SAID, "10 decoded clips, read again; the recordings are untouched", seconds)


@drill("kill -9", "a built-in set is being generated, 10 of 24 clips done")
def kill_generating(lab: Lab) -> Outcome:
    home = lab.home()
    lab.killed(*TRIVIAL, home=home, stop=Stop("asdbook.data.waves:WaveWriter.append", nth=10))
    assert not list(home.glob("data/*/set.json")), "half a set passes for whole"
    _, seconds = lab.recover(*TRIVIAL, home=home)
    return Outcome(NOTHING_SAID, "10 clips, generated again", seconds)


@drill("kill -9", f"the autoencoder trains, epoch 3 of {EPOCHS}")
def kill_training(lab: Lab) -> Outcome:
    home = lab.home("data")
    lab.killed(*TRAIN, home=home, stop=Stop("asdbook.experiment.training:_one_epoch", "after", nth=3))
    done, seconds = lab.recover(*TRAIN, home=home)
    line = said(done, "resumed after epoch 2")
    return Outcome(f"next run: “{line}”", "epoch 3, which had no checkpoint yet", seconds)


@drill("kill -9", "half of a checkpoint is written")
def kill_checkpoint(lab: Lab) -> Outcome:
    home = lab.home("data")
    lab.killed(*TRAIN, home=home, stop=Stop("pathlib:Path.write_bytes", "half", nth=2, file="checkpoints"))
    done, seconds = lab.recover(*TRAIN, home=home)
    line = said(done, "resumed after epoch 1")
    return Outcome(f"next run: “{line}”", "epoch 2; the checkpoint before it is whole", seconds)


@drill("kill -9", "half of the trained network is written to the cache")
def kill_stage(lab: Lab) -> Outcome:
    home = lab.home("data")
    lab.killed(*TRAIN, home=home, stop=Stop("pathlib:Path.write_bytes", "half", file="stages"))
    done, seconds = lab.recover(*TRAIN, home=home)
    line = said(done, f"resumed after epoch {EPOCHS}")
    return Outcome(f"next run: “{line}”", "nothing: the last checkpoint has it all", seconds)


@drill("kill -9", "test clips are being scored")
def kill_scoring(lab: Lab) -> Outcome:
    home = lab.home("data")
    lab.killed(*TRAIN, home=home, stop=Stop("asdbook.systems.autoencoder:OfficialAutoencoder.score", "before"))
    done, seconds = lab.recover(*TRAIN, home=home)
    assert not any("epoch" in line for line in done.lines), done.err
    return Outcome(NOTHING_SAID, "scores; the next run trains nothing", seconds)


RECORD = {
    "scores written, figures not": Stop("asdbook.experiment.records:write_figures", "before"),
    "half of record.json": Stop("pathlib:Path.write_text", "half", file="record.json"),
    "record complete, folder not renamed": Stop("asdbook.experiment.records:write", "after"),
}


@drill("kill -9", "the record is being written, at three moments")
def kill_recording(lab: Lab) -> Outcome:
    worst = 0.0
    for number, stop in enumerate(RECORD.values()):
        home = lab.folder / f"home-{number}"
        shutil.copytree(lab.finished / "data", home / "data")
        shutil.copytree(lab.finished / "stages", home / "stages")
        lab.killed(*TRAIN, home=home, stop=stop)
        assert "no runs yet" in lab.must("records", home=home).out
        done, seconds = lab.recover(*TRAIN, home=home)
        assert not any("epoch" in line for line in done.lines), done.err
        worst = max(worst, seconds)
    return Outcome("nothing: no half record is listed as a run", "scores; the next run trains nothing", worst)


@drill("kill -9", "a second attempt (--fresh) of a finished run is being written")
def kill_second_attempt(lab: Lab) -> Outcome:
    home = lab.home("data", "stages", "runs")
    process = lab.start(*TRAIN, "--fresh", home=home, stop=Stop("asdbook.experiment.records:write"))
    process.wait_for_stop()
    process.kill()
    assert process.ended().code == -9
    [first] = whole_runs(home)
    assert contents(first) == contents(lab.finished / first.relative_to(home))
    started = time.perf_counter()
    done = lab.must(*TRAIN, home=home)
    seconds = time.perf_counter() - started
    line = lab.short(said(done, "from the cache"), home)
    lost = "the second attempt; the first is as it was"
    return Outcome(f"next run: “{line}”", lost, seconds, "at once, from the cache")


@drill("Ctrl-C", "the autoencoder trains")
def interrupt(lab: Lab) -> Outcome:
    home = lab.home("data")
    process = lab.start(*TRAIN, home=home, stop=Stop("asdbook.experiment.training:_save", nth=2))
    process.wait_for_stop()
    process.kill(2)
    done = process.ended()
    assert done.code == 130 and "Traceback" not in done.err, done.err
    again, seconds = lab.recover(*TRAIN, home=home)
    said(again, "resumed after epoch 2")
    return Outcome(lab.short(done.lines[-1], home), "nothing", seconds)


@drill("two at once", "the same run is started twice")
def twice_at_once(lab: Lab) -> Outcome:
    home = lab.home("data")
    wanted = lab.scores(TRAIN)
    first = lab.start(*TRAIN, home=home, stop=Stop("asdbook.experiment.training:_save", nth=2))
    first.wait_for_stop()
    line = lab.refused(*TRAIN, home=home)
    started = time.perf_counter()
    first.go_on()
    assert first.ended().code == 0
    seconds = time.perf_counter() - started
    assert result(home) == wanted and len(whole_runs(home)) == 1
    return Outcome(f"the second: {line}", "nothing: the first goes on", seconds, "no need")


@drill("two at once", "two systems need the same built-in set, which is not there yet")
def shared_set(lab: Lab) -> Outcome:
    home = lab.home()
    wanted = {lab.scores(TRAIN), lab.scores(TRIVIAL)}
    first = lab.start(*TRIVIAL, home=home, stop=Stop("asdbook.data.waves:WaveWriter.append", nth=10))
    first.wait_for_stop()
    second = lab.start(*TRAIN, home=home)
    time.sleep(0.5)  # the second gets to the lock, or comes later: both must work
    assert not whole_runs(home)
    started = time.perf_counter()
    first.go_on()
    ended = [first.ended(), second.ended()]
    seconds = time.perf_counter() - started
    assert [done.code for done in ended] == [0, 0], ended
    assert {(run / "scores.csv.gz").read_bytes() for run in whole_runs(home)} == wanted
    assert len(list(home.glob("data/*/set.json"))) == 1
    return Outcome("nothing: the second waits for the set", "nothing: the set is generated once", seconds, "no need")
