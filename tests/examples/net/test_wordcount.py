# SPDX-License-Identifier: MIT
"""The word count of a tree, against find and wc."""
import os
import pathlib
import random
import re
import subprocess
import tempfile

from rig import PROGRAM, equal, example_output, run

SOURCES = pathlib.Path(__file__).resolve().parents[3] / "src"


def figures(output):
    match = re.fullmatch(r"(\d+) words in (\d+) files\n", output)
    return [int(figure) for figure in match.groups()]


def figures_of_wc(*paths):
    found = subprocess.run(["find", *paths, "-type", "f", "-print0"],
                           stdout=subprocess.PIPE, check=True).stdout
    files = found.split(b"\0")[:-1]
    text = b"\n".join(pathlib.Path(os.fsdecode(name)).read_bytes()
                      for name in files)
    words = subprocess.run(["wc", "-w"], input=text, stdout=subprocess.PIPE,
                           env={**os.environ, "LC_ALL": "C.UTF-8"},
                           check=True).stdout
    return [int(words), len(files)]


def make_tree(folder, depth, dice):
    """A few files in each of many folders, some of them empty, some long."""
    for number in range(dice.randrange(6)):
        words = ["x" * dice.randrange(1, 9)
                 for _ in range(dice.choice([0, 1, 10, 20000]))]
        text = "".join(word + dice.choice(" \n\t") for word in words)
        (folder / f"file {number}").write_text(text)
    os.symlink("/", folder / "link")
    os.symlink("..", folder / "circle")
    for number in range(dice.randrange(4) if depth else 0):
        (folder / f"{number}").mkdir()
        make_tree(folder / f"{number}", depth - 1, dice)


def test_counts_as_wc_does():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "deep").mkdir()
        make_tree(path / "deep", 5, random.Random(7))
        (path / "chunk").write_text("a" * 32767 + " " + "b" * 32768 + "c d")
        expected = figures_of_wc(folder)
        equal(figures(example_output(folder)), expected)
        equal(figures(example_output("-n", "1", folder)), expected)
        equal(figures(example_output("-n", "200", folder)), expected)
        equal(figures(example_output(cwd=folder)), expected)


def test_several_paths():
    equal(figures(example_output(str(SOURCES / "base"),
                                 str(SOURCES / "task" / "task.c"))),
          figures_of_wc(SOURCES / "base", SOURCES / "task" / "task.c"))


def test_a_folder_of_very_many_files():
    with tempfile.TemporaryDirectory() as folder:
        for number in range(3000):
            (pathlib.Path(folder) / str(number)).write_text("two words")
        equal(figures(example_output(folder)), [6000, 3000])


def test_what_cannot_be_read_is_told_of():
    done = subprocess.run([*PROGRAM, "/nowhere",
                           str(SOURCES / "task" / "task.c")],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60)
    equal(done.returncode, 1)
    equal(done.stderr, "wordcount: /nowhere: No such file or directory\n")
    equal(figures(done.stdout), figures_of_wc(SOURCES / "task" / "task.c"))


run(globals())
