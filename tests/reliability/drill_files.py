"""Folders that cannot be written to, full disks, damaged files."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from forks import Ended, Stop
from harm import DISK, cut, filled, flip, read_only, small_disk
from lab import TRAIN, TRIVIAL, Lab, result, said, whole_runs
from table import Outcome, drill


@drill("read-only folder", "the folder of recordings cannot be written to")
def read_only_recordings(lab: Lab) -> Outcome:
    home = lab.home()
    lab.scores(lab.folder_run)
    with read_only(lab.recordings):
        _, seconds = lab.recover(*lab.folder_run, home=home)
    return Outcome("nothing: a folder of recordings is only read", "nothing", seconds, "no need")


@drill("read-only folder", "ASDBOOK_HOME cannot be written to; nothing in it yet")
def read_only_home(lab: Lab) -> Outcome:
    home = lab.home()
    lab.scores(TRIVIAL)
    with read_only(home):
        line = lab.refused(*TRIVIAL, home=home)
    _, seconds = lab.recover(*TRIVIAL, home=home)
    return Outcome(line, "nothing", seconds, "the folder is writable again")


@drill("read-only folder", "ASDBOOK_HOME cannot be written to; the run is finished")
def read_only_finished(lab: Lab) -> Outcome:
    home = lab.home("data", "stages", "runs")
    with read_only(home):
        done, seconds = lab.recover(*TRAIN, home=home)
        line = lab.short(said(done, "from the cache"), home)
        refused = lab.refused(*TRAIN, "--fresh", home=home)
    return Outcome(f"“{line}”; with --fresh: {refused}", "nothing", seconds, "no need")


@drill("folder gone", "the disk with the recordings is unplugged before they are decoded")
def unplugged(lab: Lab) -> Outcome:
    lab.scores(lab.folder_run)
    home, away = lab.home(), lab.folder / "away"
    process = lab.start(*lab.folder_run, home=home, stop=Stop("asdbook.data.loading:add_headers"))
    process.wait_for_stop()
    lab.recordings.rename(away)
    try:
        process.go_on()
        line = lab.one_line(process.ended(), home)
        gone = lab.refused(*lab.folder_run, home=home)
    finally:
        away.rename(lab.recordings)
    assert line.count("fan/t") == 24, line  # every clip is named
    _, seconds = lab.recover(*lab.folder_run, home=home)
    first, _, _ = line.partition(";")
    return Outcome(f"{first}; … (names all); next run: {gone}", "nothing", seconds, "the disk is back")


@drill("full disk", "before a folder is decoded")
def full_before(lab: Lab) -> Outcome:
    home = lab.home()
    with small_disk(home, DISK // 10):
        line = lab.refused(*lab.folder_run, home=home)
        assert not list(home.glob("data/*")), "something was written"
    _, seconds = lab.recover(*lab.folder_run, home=home)
    return Outcome(line, "nothing: refused before the first clip", seconds, "a larger disk")


def full_at(lab: Lab, command: tuple[str, ...], stop: Stop, *kinds: str) -> tuple[str, Ended, float]:
    """Fills the disk at a stop, frees it after the error, runs again: error line, next run, its seconds."""
    lab.scores(command)
    home = lab.folder / "home"
    with small_disk(home):
        lab.home(*kinds)
        process = lab.start(*command, home=home, stop=stop)
        process.wait_for_stop()
        with filled(home):
            process.go_on()
            line = lab.one_line(process.ended(), home)
            assert not whole_runs(home)
        done, seconds = lab.recover(*command, home=home)
    return line, done, seconds


@drill("full disk", "a folder is being decoded")
def full_decoding(lab: Lab) -> Outcome:
    line, _, seconds = full_at(lab, lab.folder_run, Stop("asdbook.data.waves:WaveWriter.append", nth=10))
    return Outcome(line, "10 decoded clips, read again", seconds, "free space, then the next run")


@drill("full disk", "a built-in set is being generated")
def full_generating(lab: Lab) -> Outcome:
    line, _, seconds = full_at(lab, TRIVIAL, Stop("asdbook.data.waves:WaveWriter.append", nth=10))
    return Outcome(line, "10 clips, generated again", seconds, "free space, then the next run")


@drill("full disk", "the autoencoder trains, after the checkpoint of epoch 2")
def full_training(lab: Lab) -> Outcome:
    line, done, seconds = full_at(lab, TRAIN, Stop("asdbook.experiment.training:_save", nth=2), "data")
    said(done, "resumed after epoch 2")
    return Outcome(line, "epoch 3, whose checkpoint did not fit", seconds, "free space, then the next run")


@drill("full disk", "the record is being written")
def full_recording(lab: Lab) -> Outcome:
    stop = Stop("asdbook.experiment.records:write_scores", "before")
    line, done, seconds = full_at(lab, TRAIN, stop, "data", "stages")
    assert not any("epoch" in text for text in done.lines), done.err
    return Outcome(line, "scores; the next run trains nothing", seconds, "free space, then the next run")


def damaged_set(lab: Lab, harm: Callable[[Path], None], name: str) -> Outcome:
    """A run on a set with a damaged file: refused, and made again as the message says."""
    home = lab.home("data")
    [folder] = [path.parent for path in home.glob("data/*/set.json")]
    harm(folder / name)
    line = lab.refused(*TRAIN, home=home)
    assert str(folder.name)[:20] in line and "delete the folder" in line, line
    shutil.rmtree(folder)
    _, seconds = lab.recover(*TRAIN, home=home)
    return Outcome(line, "the set, made again", seconds, "delete the folder, then the next run")


@drill("damaged cache", "the sound of a set is cut off (waves.i16)")
def damaged_waves(lab: Lab) -> Outcome:
    return damaged_set(lab, cut, "waves.i16")


@drill("damaged cache", "one bit of the sound of a set is flipped (waves.i16)")
def flipped_waves(lab: Lab) -> Outcome:
    return damaged_set(lab, flip, "waves.i16")


@drill("damaged cache", "one bit of a set's description is flipped, wherever it lies (set.json)")
def flipped_set(lab: Lab) -> Outcome:
    found = []
    lab.scores(TRIVIAL)
    [original] = lab.finished.glob("data/*/set.json")
    size = original.stat().st_size
    for number in range(0, size, 23):
        home = lab.folder / f"home-{number}"
        shutil.copytree(lab.finished / "data", home / "data")
        [path] = home.glob("data/*/set.json")
        flip(path, number / size)
        found.append(lab.refused(*TRIVIAL, home=home))
        shutil.rmtree(path.parent)
    _, seconds = lab.recover(*TRIVIAL, home=home)
    lost = f"the set, made again; all of {len(found)} flipped bits are noticed"
    return Outcome(found[len(found) // 2], lost, seconds, "delete the folder, then the next run")


@drill("damaged cache", "the table of a set is changed (clips.csv)")
def flipped_table(lab: Lab) -> Outcome:
    return damaged_set(lab, flip, "clips.csv")


@drill("damaged cache", "one bit of a trained network is flipped")
def flipped_stage(lab: Lab) -> Outcome:
    home = lab.home("data", "stages")
    [path] = home.glob("stages/*.safetensors")
    flip(path)
    done, seconds = lab.recover(*TRAIN, home=home)
    return Outcome(f"“{lab.short(said(done, 'is damaged'), home)}”", "the network, trained again", seconds)


@drill("damaged checkpoint", "one bit is flipped after a kill")
def flipped_checkpoint(lab: Lab) -> Outcome:
    home = lab.home("data")
    lab.killed(*TRAIN, home=home, stop=Stop("asdbook.experiment.training:_save", nth=2))
    [path] = home.glob("runs/*/1.part/checkpoints/*.safetensors")
    flip(path)
    done, seconds = lab.recover(*TRAIN, home=home)
    return Outcome(f"“{lab.short(said(done, 'left aside'), home)}”", "2 epochs, trained again", seconds)


def damaged_record(lab: Lab, harm: Callable[[Path], None], name: str, *command: str) -> Outcome:
    """A command that reads a damaged file of a finished run: refused; --fresh makes another attempt."""
    home = lab.home("data", "stages", "runs")
    [run] = whole_runs(home)
    harm(run / name)
    line = lab.refused(*(word.replace("RUN", str(run)) for word in command), home=home)
    lab.must("records", home=home)  # one damaged run does not hide the others
    started = time.perf_counter()
    lab.must(*TRAIN, "--fresh", home=home)
    seconds = time.perf_counter() - started
    assert result(home) == lab.scores(TRAIN)
    return Outcome(line, "nothing: the network is kept", seconds, "the same command with --fresh")


@drill("damaged record", "record.json is cut off")
def cut_record(lab: Lab) -> Outcome:
    return damaged_record(lab, cut, "record.json", *TRAIN)


def change_a_digit(path: Path) -> None:
    """Another clip count, in a file that is still JSON."""
    text = path.read_text()
    path.write_text(text.replace('"test_clips": 1', '"test_clips": 2'))
    assert path.read_text() != text


@drill("damaged record", "one digit of record.json is another")
def changed_record(lab: Lab) -> Outcome:
    return damaged_record(lab, change_a_digit, "record.json", *TRAIN)


@drill("damaged record", "one bit of scores.csv.gz is flipped")
def flipped_scores(lab: Lab) -> Outcome:
    return damaged_record(lab, flip, "scores.csv.gz", "evaluate", "RUN")


@drill("damaged record", "figures.npz is cut off")
def cut_figures(lab: Lab) -> Outcome:
    results = ("--results", str(lab.folder / "results"))
    return damaged_record(lab, cut, "figures.npz", "records", "promote", "RUN", *results)


@drill("damaged record", "one bit of the fitted system is flipped (system.safetensors)")
def flipped_system(lab: Lab) -> Outcome:
    clip = next(lab.recordings.rglob("*.wav"))
    return damaged_record(lab, flip, "system.safetensors", "score", "RUN", str(clip))
