"""Mutated score files, official files and truths: refused in one line, or the metrics of a naive reader.

`ASDBOOK_FUZZ=10000` sets how many inputs each kind gets; input k depends on k alone.
"""

import gzip
import os
import random
import re

import pytest

from asdbook.errors import AsdBookError
from asdbook.experiment import evaluate
from asdbook.experiment.official_files import read_values

SPICE = [
    b"\n", b"\r", b"\r\n", b",", b'"', b'""', b"\x00", b"\xff", b"\xef\xbb\xbf", b" ", b"\t", b"_", b"-", b".", b"e",
    b"nan", b"inf", b"-1", b"1e999", b"1e-999", b"1_0", b"0x1", "٣".encode(), "\u2028".encode(), b"\x0b", b"/", b"0",
    b"normal", b"anomaly", b"test", b"train", b"id_01_", b".wav", b"9" * 400,
]  # fmt: skip


def numbers(default):
    return range(int(os.environ.get("ASDBOOK_FUZZ", default)))


def mutated(original, rng):
    """One to three small changes: a byte, a bit, a piece lost or doubled, a line lost or doubled, something put in."""
    out = bytearray(original)
    for _ in range(rng.randint(1, 3)):
        at, piece = rng.randrange(len(out)), rng.choice([1, 1, 2, 5])
        kind = rng.randrange(7)
        if kind == 0:
            out[at] = rng.randrange(256)
        elif kind == 1:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del out[at : at + piece]
        elif kind == 3:
            out[at:at] = out[at : at + piece]
        elif kind == 4:
            out[at:at] = rng.choice(SPICE)
        else:
            lines = bytes(out).split(b"\n")
            i = rng.randrange(len(lines))
            lines = lines[:i] + (lines[i + 1 :] if kind == 5 else [lines[i], lines[i], *lines[i + 1 :]])
            out = bytearray(b"\n".join(lines))
        if not out:
            break
    return bytes(out)


def other_digits(original, rng):
    """One to three digits after a comma replaced: files that are still in form, and say something else."""
    out = bytearray(original)
    places = [i for i, c in enumerate(out) if chr(c).isdigit() and bytes(out[:i]).rpartition(b"\n")[2].count(b",")]
    for at in rng.sample(places, rng.randint(1, 3)):
        out[at] = ord(rng.choice("01"))
    return bytes(out)


def tried(read, number):
    """What was read, or None where it was refused in one line."""
    try:
        return read()
    except AsdBookError as error:
        assert len(str(error).splitlines()) == 1, (number, str(error))
        return None


def plain_rows(content):
    """Rows of stripped cells; None where quotes or odd bytes need more than a naive reader."""
    if b'"' in content:
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [[cell.strip() for cell in line.split(",")] for line in lines if line.replace(",", "").strip()]


def naive_number(text):
    """A decimal number as a csv means it: no underscores, no words."""
    assert re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", text), f"{text!r} was taken for a number"
    return float(text)


def naive_auc(pairs):
    """Mean over all pairs of an anomaly and a normal clip: 1 above, 1/2 equal; None without both."""
    normal = [score for label, score in pairs if label in ("normal", "0", 0)]
    anomaly = [score for label, score in pairs if label not in ("normal", "0", 0)]
    if not normal or not anomaly:
        return None
    return sum((a > n) + 0.5 * (a == n) for a in anomaly for n in normal) / len(normal) / len(anomaly)


def scores_text(rng):
    rows = ["file,machine,unit,label,split,score,decision"]
    for i in range(10):
        label, score = ("normal", "anomaly")[i % 2], round(rng.gauss(i % 2, 1.0), rng.choice([0, 2, 17]))
        rows.append(f"fan/test/{label}_id_00_{i:08d}.wav,fan,00,{label},test,{score!r},{int(score > 0.5)}")
    return ("\n".join(rows) + "\n").encode()


def naive_scores(content):
    """AUC by (machine, unit) of a scores file; None where a naive reader cannot say."""
    rows = plain_rows(content)
    if rows is None or not rows:
        return None
    header = rows[0]
    if len(set(header)) != len(header):
        return None
    cells = {}
    for row in (dict(zip(header, row)) for row in rows[1:]):
        if row.get("split", "test") == "test":
            unit = row.get("unit") or row["file"].rsplit("_", 2)[-2]  # as the names of this test are built
            cells.setdefault((row["machine"], unit), []).append((row["label"], naive_number(row["score"])))
    return {key: naive_auc(pairs) for key, pairs in cells.items()}


@pytest.mark.parametrize("packed", [False, True])
def test_scores_files(tmp_path, packed):
    file = tmp_path / ("scores.csv.gz" if packed else "scores.csv")
    taken = compared = 0
    for k in numbers(700 if not packed else 150):
        rng = random.Random(k)
        content = scores_text(rng)
        content = mutated(content, rng) if not packed or k % 2 else content
        data = gzip.compress(content, 1, mtime=0) if packed else content
        file.write_bytes(mutated(data, rng) if packed and k % 2 == 0 else data)
        result = tried(lambda: evaluate.evaluate_path(file, year=2020, draws=0), k)
        if result is None:
            continue
        taken += 1
        expected = naive_scores(content)
        if expected is None:
            continue
        found = {
            (machine["machine"], cell["unit"]): cell["value"]
            for machine in result["metrics"]["official"]["machines"]
            for cell in machine["cells"]
            if cell["quantity"] == "AUC"
        }
        assert found.keys() == expected.keys(), k
        for key, value in expected.items():
            assert (found[key] is None) is (value is None), (k, key)
            assert value is None or found[key] == pytest.approx(value, abs=1e-12), (k, key)
        compared += 1
    assert compared > 0.1 * len(numbers(700 if not packed else 150)) and taken >= compared


def test_official_values(tmp_path):
    file, compared = tmp_path / "anomaly_score_fan_id_00.csv", 0
    for k in numbers(1_500):
        rng = random.Random(k)
        original = "".join(f"id_00_{i:08d}.wav,{rng.gauss(0, 1)!r}\n" for i in range(8)).encode()
        content = mutated(original, rng)
        file.write_bytes(content)
        found, rows = tried(lambda: read_values(file), k), plain_rows(content)
        if found is None or rows is None:
            continue
        naive = {name.replace("\\", "/").rsplit("/", 1)[-1]: naive_number(value) for name, value in rows}
        assert {name: value.number for name, value in found.items()} == naive, k
        compared += 1
    assert compared > 0.2 * len(numbers(1_500))


DOMAINS = "truth/ground_truth_domain/ground_truth"


def official_set(rng):
    """An official folder of 2022 on and its truth: file name to content."""
    files = {}
    for machine in ("fan", "valve"):
        stem = f"{machine}_section_00_test.csv"
        names = [f"section_00_{i:04d}.wav" for i in range(8)]
        score = [rng.gauss(i % 2, 1.0) for i in range(8)]
        for name, values in (
            (f"scores/anomaly_score_{stem}", [repr(s) for s in score]),
            (f"scores/decision_result_{stem}", [int(s > 0.5) for s in score]),
            (f"truth/ground_truth_data/ground_truth_{stem}", [i % 2 for i in range(8)]),
            (f"truth/ground_truth_domain/ground_truth_{stem}", [i // 4 for i in range(8)]),
        ):
            files[name] = "".join(f"{n},{v}\n" for n, v in zip(names, values)).encode()
    return files


def naive_source_auc(files):
    """AUC source by machine (source normals, all anomalies) from an official folder; None for odd files."""
    found = {}
    for machine in ("fan", "valve"):
        columns = []
        for start in ("scores/anomaly_score", "truth/ground_truth_data/ground_truth", DOMAINS):
            rows = plain_rows(files[f"{start}_{machine}_section_00_test.csv"])
            if rows is None:
                return None
            columns.append({name.replace("\\", "/").rsplit("/", 1)[-1]: naive_number(value) for name, value in rows})
        score, label, domain = columns
        # 2022 on, official convention: the source's normal clips against the source's anomalous ones and the target's
        pairs = [(int(label[n]), score[n]) for n in score if label[n] == 1 or domain[n] == 0]
        found[machine] = naive_auc(pairs)
    return found


def test_official_folders_with_truth(tmp_path):
    compared = 0
    for k in numbers(250):
        rng = random.Random(k)
        files = official_set(rng)
        victim = rng.choice(sorted(files))
        files[victim] = (other_digits if k % 2 else mutated)(files[victim], rng)
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        result = tried(
            lambda: evaluate.evaluate_path(tmp_path / "scores", tmp_path / "truth", year=2023, draws=0), k
        )
        expected = naive_source_auc(files) if result is not None else None
        if result is None or expected is None:
            continue
        for machine in result["metrics"]["official"]["machines"]:
            cell = next(c for c in machine["cells"] if c["quantity"] == "AUC source")
            value = expected[machine["machine"]]
            assert (cell["value"] is None) is (value is None), k
            assert value is None or cell["value"] == pytest.approx(value, abs=1e-12), k
        compared += 1
    assert compared > 0.1 * len(numbers(250))
