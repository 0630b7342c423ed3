#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of the tree that no compiler checks.

    tidy.py [ROOT]        prints each offence as file:line: rule: sentence
    tidy.py --self-test   plants each offence in a tree of its own and sees
                          that it is found, and that a clean tree passes

A rule is one function that takes a File (or the Tree) and yields offences.
Python's standard library only.
"""

import pathlib
import re
import sys
import tempfile

# Each folder may include itself and those before it, never those after.
LAYERS = ["base", "sys", "ctx", "backend", "engine", "task", "sync", "io",
          "tls", "observe"]

# What a public header stands on: where it is defined, one may include it.
PUBLIC_LAYER = {"base": "base", "loop": "engine", "op": "backend",
                "run": "task", "task": "task", "scope": "task",
                "local": "task", "thread": "task", "testing": "task",
                "fd": "task", "names": "io", "stream": "io",
                "server": "io", "filter": "io", "file": "io", "path": "io",
                "watch": "io", "address": "io", "datagram": "io",
                "process": "io", "stdio": "io", "signal": "io",
                "tls": "tls", "sync": "sync", "queue": "sync"}

FILE_LINES = 1000
FUNCTION_LINES = 70
COLUMNS = 80

C_ENDINGS = {".c", ".h", ".S"}
TEXT_ENDINGS = C_ENDINGS | {".py", ".sh", ".build"}
FOLDERS = ["include", "src", "tests", "examples", "bench", "tools", "python",
           "adapters"]
# Code whose shape is another project's or that other tools write.
FOREIGN = ["bench/peers/"]

# What only some folders may name: (pattern, where it is allowed, rule, what
# to write instead). Matched against code without comments and strings.
BANS = [
    (r"\berrno\b", ["src/sys/"], "errno",
     "the sys_* wrapper returns it negative"),
    (r"\b(?:io_uring_\w+|IORING_\w+)", ["src/backend/"], "liburing",
     "the operations of backend/backend.h"),
    (r"\b(?:malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf"
     r"|aligned_alloc|posix_memalign)\s*\(",
     ["src/base/mem.c", "src/sys/"], "allocation",
     "mem_alloc() and mem_free() of base/mem.h"),
    (r"\bpthread_create\b", ["src/sys/"], "thread", "sys_thread_start()"),
    (r"\b(?:clock_gettime|gettimeofday|time|nanosleep|clock_nanosleep|usleep"
     r"|sleep)\s*\(", ["src/sys/"], "clock",
     "sys_now_ns() or sys_thread_sleep()"),
    (r"\b(?:syscall|mmap|munmap|madvise|mprotect|read|write|readv|writev"
     r"|preadv2?|pwritev2?|open|openat|close|pipe2?|eventfd|socket|accept4?"
     r"|connect|bind|listen|send|recv|sendmsg|recvmsg|poll|ppoll"
     r"|epoll_(?:create1?|ctl|p?wait2?)|signalfd|sigaction|sigaltstack"
     r"|sigprocmask|pthread_sigmask|kill"
     r"|raise|waitid|waitpid|fork|execve?|execvp|fcntl|ioctl|dup[23]?"
     r"|gettid|getpid)\s*\(", ["src/sys/"], "system call",
     "its sys_* wrapper in sys/sys.h"),
    (r"\b(?:strcpy|strcat|sprintf|vsprintf|gets|strtok|strncpy)\s*\(", [],
     "unsafe call", "snprintf() or memcpy() with a checked length"),
    (r"\b(?:atoi|atol|atof)\s*\(", [], "unsafe call",
     "strtol() with its error checked"),
    (r"\bsignal\s*\(", [], "unsafe call", "sys_sigaction()"),
    (r"\b(?:alloca|setjmp|longjmp|sigsetjmp|siglongjmp)\s*\(", [],
     "unsafe call", "a fixed buffer; the switch in src/ctx"),
    (r"^\s*#\s*(?:if|elif|ifdef|ifndef)\b.*\b__(?:linux|FreeBSD|APPLE)__",
     ["src/sys/", "src/ctx/", "src/backend/"], "OS choice",
     "another file, picked by meson.build"),
]


class Offence(Exception):
    """One broken rule at one place."""

    def __init__(self, file, line, rule, sentence):
        super().__init__(f"{file}:{line}: {rule}: {sentence}")
        self.rule = rule


def code_only(text):
    """`text` with comments and strings blanked, its lines kept in place."""
    pattern = re.compile(
        r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
        re.DOTALL)

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())

    return pattern.sub(blank, text)


class File:
    """One file of the tree, with its text as code and as lines."""

    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.ending = path.suffix
        self.text = path.read_text(encoding="utf-8")
        self.lines = self.text.splitlines()
        self.code = ""
        if self.ending in C_ENDINGS:
            self.code = code_only(self.text)
        self.code_lines = self.code.splitlines()

    def offence(self, line, rule, sentence):
        return Offence(self.path, line, rule, sentence)

    def under(self, *places):
        return any(self.path.startswith(place) for place in places)

    def layer(self):
        """The index of its layer, or None outside the layers."""
        parts = self.path.split("/")
        if len(parts) < 3 or parts[0] != "src" or parts[1] not in LAYERS:
            return None
        return LAYERS.index(parts[1])


# ---- rules for one file ----

def check_layer_order(file):
    """No include points upward."""
    own = file.layer()
    if own is None:
        return
    for number, line in enumerate(file.lines, 1):
        match = re.match(r'\s*#\s*include\s*["<]([^">]+)[">]', line)
        if not match:
            continue
        # "../task/task.h" is an upward include in disguise.
        parts = [part for part in match[1].split("/") if part != ".."]
        layer = parts[0]
        if layer == "asyncio" and len(parts) == 2:
            layer = PUBLIC_LAYER.get(parts[1].removesuffix(".h"))
        if match[1] == "asyncio.h":
            layer = LAYERS[-1]
        if layer in LAYERS and LAYERS.index(layer) > own and \
                (len(parts) > 1 or match[1] == "asyncio.h"):
            yield file.offence(number, "layer order",
                               f"src/{LAYERS[own]} may not include "
                               f"{match[1]}: {layer} comes after it")


def check_liburing_header(file):
    """<liburing.h> is the ring back end's alone."""
    if not file.under("src/", "include/") or file.under("src/backend/"):
        return
    for number, line in enumerate(file.lines, 1):
        if re.match(r"\s*#\s*include\s*[\"<](liburing|linux/io_uring)", line):
            yield file.offence(number, "liburing",
                               "only src/backend includes it")


def check_bans(file):
    """Names that only some folders may use."""
    if not file.under("src/") or file.ending == ".S":
        return
    for pattern, allowed, rule, instead in BANS:
        if file.under(*allowed):
            continue
        # Not a member of something, not a longer name, not a declaration.
        ban = re.compile(r"(?<![.>\w])" + pattern if pattern[0] == "\\"
                         else pattern)
        for number, line in enumerate(file.code_lines, 1):
            if re.match(r"\s*#\s*include", line):
                continue
            match = ban.search(line)
            if match:
                name = match.group().strip().rstrip("(").strip()
                yield file.offence(number, rule,
                                   f"{name} is not for this folder; "
                                   f"use {instead}")


def check_head(file):
    """Each C file opens with its licence and what it is for."""
    if file.ending not in C_ENDINGS:
        return
    lines = file.lines
    if not lines or "SPDX-License-Identifier: MIT" not in lines[0]:
        yield file.offence(1, "head", "the first line is the SPDX line")
        return
    if len(lines) < 2 or not lines[1].startswith(("/*", "//", " *")):
        yield file.offence(2, "head",
                           "a comment that says what the file is for "
                           "follows the SPDX line")


def check_spdx_elsewhere(file):
    """Scripts name the licence too, below any #! line."""
    if file.ending not in {".py", ".sh"}:
        return
    if not any("SPDX-License-Identifier: MIT" in line
               for line in file.lines[:2]):
        yield file.offence(1, "head", "no SPDX line in the first two lines")


def check_file_length(file):
    if len(file.lines) > FILE_LINES:
        yield file.offence(FILE_LINES + 1, "file length",
                           f"{len(file.lines)} lines, at most {FILE_LINES}: "
                           "split it by subject")


def check_columns(file):
    for number, line in enumerate(file.lines, 1):
        if len(line.expandtabs(8)) > COLUMNS:
            yield file.offence(number, "columns",
                               f"{len(line.expandtabs(8))} columns, at most "
                               f"{COLUMNS}")


def check_whitespace(file):
    for number, line in enumerate(file.lines, 1):
        if line != line.rstrip():
            yield file.offence(number, "whitespace", "trailing blanks")
        if "\t" in line and file.ending != ".S":
            yield file.offence(number, "whitespace", "a tab: four spaces")


def functions(file):
    """Yields (first line, last line) of each function body's whole extent.

    The house style makes this easy: a function's braces, and only they,
    stand alone in column one.
    """
    lines = file.code_lines
    for number, line in enumerate(lines):
        if line.rstrip() != "{":
            continue
        first = number
        while first > 0 and re.match(r"[^#}/\s].*[^;]$|\s+\S.*[^;]$",
                                     lines[first - 1].rstrip()):
            first -= 1
        last = number
        while last < len(lines) and not lines[last].startswith("}"):
            last += 1
        yield first + 1, last + 1


def check_function_length(file):
    if file.ending not in {".c", ".h"}:
        return
    for first, last in functions(file):
        if last - first + 1 > FUNCTION_LINES:
            yield file.offence(first, "function length",
                               f"{last - first + 1} lines, at most "
                               f"{FUNCTION_LINES}: name its parts")


def check_assert_effects(file):
    """What an assertion does, a build without it does not do."""
    if not file.under("src/"):
        return
    pattern = re.compile(
        r"\b(?:ASSERT|DEBUG_ASSERT|assert)\s*\((?!.*\\$)"
        r".*(?:\+\+|--|[^=!<>]=[^=]).*\)")
    for number, line in enumerate(file.code_lines, 1):
        if pattern.search(line) and not line.lstrip().startswith("#"):
            yield file.offence(number, "assertion",
                               "it changes something; do that on a line "
                               "of its own")


def api_names(file):
    """Yields (line index, name) of each ASYNCIO_API declaration."""
    text = file.code
    for match in re.finditer(r"^[^\n#]*\bASYNCIO_API\b([^;{]*)", text,
                             re.MULTILINE):
        name = re.search(r"\b(asyncio_\w+)\s*\(", match[1])
        if name is None:
            name = re.search(r"\b(asyncio_\w+)", match[1])
        if name is not None:
            yield text.count("\n", 0, match.start()), name[1]


def check_contracts(file):
    """A comment ends on the line above each public declaration."""
    if not file.under("include/"):
        return
    for index, name in api_names(file):
        above = index - 1
        while above >= 0 and re.match(r"ASYNCIO_\w+$", file.lines[above]):
            above -= 1
        if above < 0 or not file.lines[above].rstrip().endswith("*/"):
            yield file.offence(index + 1, "contract",
                               f"no comment directly above {name}")


# ---- rules for the whole tree ----

def check_tested(tree):
    """Each public function is named in some test or example."""
    used = set()
    for file in tree:
        if file.under("tests/", "examples/", "python/tests/"):
            used.update(re.findall(r"\basyncio_\w+", file.code))
    for file in tree:
        if not file.under("include/"):
            continue
        for index, name in api_names(file):
            if name not in used:
                yield file.offence(index + 1, "untested",
                                   f"no test or example names {name}")


FILE_RULES = [
    check_layer_order, check_liburing_header, check_bans, check_head,
    check_spdx_elsewhere, check_file_length, check_columns,
    check_whitespace, check_function_length, check_assert_effects,
    check_contracts,
]
TREE_RULES = [check_tested]


def load(root):
    tree = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.suffix in TEXT_ENDINGS and path.is_file() and \
                    not name.startswith(tuple(FOREIGN)):
                tree.append(File(root, path))
    return tree


def offences(root):
    tree = load(root)
    for file in tree:
        for rule in FILE_RULES:
            yield from rule(file)
    for rule in TREE_RULES:
        yield from rule(tree)


# ---- the self-test ----

HEAD = "/* SPDX-License-Identifier: MIT */\n/* What it is for. */\n"

CLEAN = {
    "include/asyncio.h": HEAD +
    "/* Runs it. Suspends. */\nASYNCIO_API int asyncio_run(int (*fn)(void));\n",
    "src/base/list.c": HEAD + '#include "base/list.h"\n',
    "src/base/mem.c": HEAD + "void *mem_alloc(size_t n)\n{\n"
    "    return malloc(n);\n}\n",
    "src/sys/file.c": HEAD + '#include <errno.h>\n#include "base/list.h"\n'
    "int sys_open(void)\n{\n    return open() < 0 ? -errno : 0;\n}\n",
    "src/task/task.c": HEAD + '#include <errno.h>\n#include "engine/loop.h"\n'
    "/* errno, malloc() and pthread_create() in words are fine. */\n"
    "int task_read(struct op *op)\n{\n"
    "    ASSERT(op->count == 0);\n"
    '    panic("malloc(3) failed");\n'
    "    return op->table->read(op) == 0 ? -EINVAL : sys_read(op);\n}\n",
    "src/backend/uring.c": HEAD + "#include <liburing.h>\n",
    "tests/task/test_run.c": HEAD + "int x = asyncio_run(0);\n",
}

# Each: rule it breaks, file, what the file then holds.
PLANTED = [
    ("layer order", "src/base/list.c", HEAD + '#include "sys/sys.h"\n'),
    ("layer order", "src/engine/turn.c", HEAD + '#include "task/task.h"\n'),
    ("layer order", "src/sys/file.c", HEAD + '#include "../io/stream.h"\n'),
    ("layer order", "src/base/list.c", HEAD + "#include <asyncio/task.h>\n"),
    ("layer order", "src/task/task.c", HEAD + "#include <asyncio.h>\n"),
    ("liburing", "src/engine/turn.c", HEAD + "#include <liburing.h>\n"),
    ("liburing", "src/task/task.c", HEAD + "int a = IORING_OP_NOP;\n"),
    ("errno", "src/task/task.c", HEAD + "int a(void)\n{\n"
     "    return -errno;\n}\n"),
    ("allocation", "src/task/task.c", HEAD + "void *p = malloc(1);\n"),
    ("allocation", "src/base/list.c", HEAD + "void f(void)\n{\n"
     "    free (p);\n}\n"),
    ("thread", "src/backend/pool.c", HEAD + "int a = pthread_create(b);\n"),
    ("clock", "src/engine/turn.c", HEAD + "int a = clock_gettime(1, &t);\n"),
    ("system call", "src/ctx/stack.c", HEAD + "void *p = mmap(0);\n"),
    ("system call", "src/engine/turn.c", HEAD + "int n = read(0, b, 1);\n"),
    ("unsafe call", "src/sys/file.c", HEAD + "int n = sprintf(a, b);\n"),
    ("unsafe call", "src/task/task.c", HEAD + "int n = setjmp(a);\n"),
    ("OS choice", "src/task/task.c", HEAD + "#ifdef __linux__\n#endif\n"),
    ("head", "src/base/list.c", "/* What it is for. */\n"),
    ("head", "src/base/list.c", HEAD.splitlines()[0] + "\nint a;\n"),
    ("head", "tools/thing.py", "print(1)\n"),
    ("file length", "src/base/list.c", HEAD + "int a;\n" * FILE_LINES),
    ("columns", "src/base/list.c", HEAD + "/* " + "한" * 76 + " */\n"),
    ("whitespace", "src/base/list.c", HEAD + "int a; \n"),
    ("whitespace", "src/base/list.c", HEAD + "\tint a;\n"),
    ("function length", "src/base/list.c", HEAD + "static int\nf(void)\n{\n" +
     "    a();\n" * (FUNCTION_LINES - 3) + "}\n"),
    ("assertion", "src/base/list.c", HEAD + "void f(void)\n{\n"
     "    ASSERT(n++ < 3);\n}\n"),
    ("assertion", "src/base/list.c", HEAD + "void f(void)\n{\n"
     "    ASSERT((err = g()) == 0);\n}\n"),
    ("contract", "include/asyncio.h", HEAD +
     "\nASYNCIO_API int asyncio_run(void);\n"),
    ("contract", "include/asyncio.h", HEAD +
     "/* Runs it. */\nASYNCIO_API int asyncio_run(void);\n"
     "ASYNCIO_API int\nasyncio_run(void);\n"),
    ("untested", "include/asyncio.h", HEAD +
     "/* Stops it. */\nASYNCIO_API void asyncio_stop(void);\n"),
]

# What must not be taken for an offence.
ALLOWED = [
    ("src/base/list.c", HEAD + "/* " + "한" * 74 + " */\n"),
    ("src/base/list.c", HEAD + "static int f(void)\n{\n" +
     "    a();\n" * (FUNCTION_LINES - 3) + "}\n"),
    ("src/base/list.c", HEAD + "int a;\n" * (FILE_LINES - 2)),
    ("src/base/list.c", HEAD + "void f(void)\n{\n    ASSERT(a <= b);\n"
     "    ASSERT(a != b && c >= d);\n}\n"),
    ("src/task/task.c", HEAD + "int a(void)\n{\n    op->close(op);\n"
     "    table.read(op);\n    task_sleep(1);\n    sys_close(3);\n"
     "    return mem_free(p), queue_close(q);\n}\n"),
    ("src/task/task.c", HEAD + "#include <asyncio/loop.h>\n"
     '#include "task.h"\n#include <time.h>\n'),
    ("src/task/task.c", HEAD + "static const char *s = \"// errno \\\" \";\n"),
    ("include/asyncio.h", HEAD + "/* Runs it. */\nASYNCIO_SUSPENDS\n"
     "ASYNCIO_API int asyncio_run(void);\n"),
]


def broken_rules(files):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return [offence.rule for offence in offences(root)]


def self_test():
    wrong = []
    found = broken_rules(CLEAN)
    if found:
        wrong.append(f"a clean tree broke {found}")
    for name, text in ALLOWED:
        found = broken_rules({**CLEAN, name: text})
        if found:
            wrong.append(f"{text[len(HEAD):][:60]!r} in {name} broke {found}")
    for rule, name, text in PLANTED:
        found = broken_rules({**CLEAN, name: text})
        if set(found) != {rule}:
            wrong.append(f"{text[-60:]!r} in {name}: expected {rule!r}, "
                         f"found {found}")
    for sentence in wrong:
        print("self-test:", sentence)
    print(f"{len(PLANTED)} planted offences, {len(ALLOWED) + 1} clean trees, "
          f"{len(wrong)} surprises")
    return not wrong


def main(arguments):
    if arguments[:1] == ["--self-test"]:
        return 0 if self_test() else 1
    default = pathlib.Path(__file__).resolve().parent.parent
    root = pathlib.Path(arguments[0]) if arguments else default
    found = list(offences(root))
    for offence in found:
        print(offence)
    if not load(root):
        print("no files found under", root)
        return 1
    print(f"{len(load(root))} files, {len(found)} offences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
