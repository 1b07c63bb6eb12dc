"""Killed, interrupted, refused by the system: no output that looks complete and is not.

Every command that writes runs in a process of its own and meets a fault at each of its changes of
a folder, or in the midst of a write. All of them, for all commands and some hundred moments more:
`pytest -m long -n 0 -s tests/test_faults.py`, which prints how many faults there were.
"""

import errno
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mentor_rules import Dossier, check
from mentor_rules.texts import say
from mentor_rules.vocabulary import LANGUAGES, Language
from tests.forked import Commands, Ran
from tests.test_cli import DAY, DISTRICT, ROOT, SCRIPT, dossier

PARQUET = ROOT / "docs" / "examples" / "parquet"
FOLDER = "desk"
KILLED, ENDED, INTERRUPTED = signal.SIGKILL, signal.SIGTERM, signal.SIGINT
ERRORS = (errno.ENOSPC, errno.EACCES, errno.EIO)
REFUSED = {errno.ENOSPC: "full", errno.EACCES: "not_allowed", errno.EFBIG: "too_large"}

# What each command that writes is asked for: DOSSIER is a small one, OUT the file to be written.
WRITING = {
    "check table": "check DOSSIER --out OUT",
    "check json": "check DOSSIER --format json --out OUT",
    "check jsonl": "check DOSSIER --format jsonl --out OUT",
    "check csv": "check DOSSIER --format csv --out OUT",
    "check xlsx": "check DOSSIER --format xlsx --out OUT.xlsx",
    "check html": "check DOSSIER --format html --out OUT",
    "candidate": "candidate DOSSIER --teacher T1 --format json --out OUT",
    "deadlines table": "deadlines DOSSIER --out OUT",
    "deadlines json": "deadlines DOSSIER --format json --out OUT",
    "deadlines csv": "deadlines DOSSIER --format csv --out OUT",
    "deadlines ics": "deadlines DOSSIER --format ics --out OUT",
    "reserve json": "reserve DOSSIER --format json --out OUT",
    "reserve csv": "reserve DOSSIER --format csv --out OUT",
    "mapping": "mapping DOSSIER --out OUT",
    "replay": "replay RESULT DOSSIER --format json --out OUT",
    "requirements": "requirements --format json --out OUT",
    "template": "template OUT.xlsx",
    "schema dossier": "schema dossier --out OUT",
    "schema result": "schema result --out OUT",
    "rules diff": "rules diff built-in --format json --out OUT",
}
SPEAK_ENGLISH = ("mapping", "schema")  # all that they could say is wrong usage
DATED = {"check": "--as-of", "candidate": "--on", "deadlines": "--as-of", "reserve": "--as-of"}


def words(name: str, small: Path, *more: str) -> list[str]:
    paths = {"DOSSIER": str(small), "RESULT": f"{small}.result", "OUT": "out"}
    asked = re.sub("|".join(paths), lambda found: paths[found[0]], WRITING[name]).split()
    return [*asked, *([DATED[asked[0]], DAY[1]] if asked[0] in DATED else []), *more]


def test_every_command_that_writes_a_file_meets_faults() -> None:
    from mentor_rules.cli import app, rules_app

    writing = {
        f"{prefix}{command.name}"
        for prefix, group in (("", app), ("rules ", rules_app))
        for command in group.registered_commands
        if {"out", "force"} <= set(command.callback.__annotations__)
    }
    assert writing - {"audit"} == {
        " ".join(text.split()[: 2 if text.startswith("rules") else 1]) for text in WRITING.values()
    }


class Desk:
    """A folder in which one command runs again and again, each time with another fault."""

    def __init__(self, commands: Commands, name: str, small: Path) -> None:
        self.commands, self.name, self.small = commands, name, small
        self.met = 0
        self.run()  # Python writes what it compiled: changes of a folder that never come again
        shutil.rmtree(commands.folder)
        commands.folder.mkdir()
        self.whole = self.run()
        assert (self.whole.code, self.whole.stderr) in ((0, ""), (1, "")), self.whole
        [self.out] = commands.folder.iterdir()
        self.answer = self.without_seconds()
        # What stood there before; another size than any answer.
        self.out.write_bytes(b"before")

    def run(self, *more: str, **fault: Any) -> Ran:
        self.met = getattr(self, "met", 0) + bool(fault)
        return self.commands.run(*words(self.name, self.small, *more), **fault)

    def without_seconds(self) -> bytes:
        content = self.out.read_bytes()
        if content.startswith(b"PK"):  # a workbook holds the moment at which it was made
            return b"PK" if len(content) > 3000 and b"PK\x05\x06" in content[-22:] else content
        return re.sub(rb'"took_s":[0-9.]+|DTSTAMP:\w+', b"", content)

    def meet(self, language: Language = "en", *, replacing: bool, **fault: Any) -> None:
        """Let the command meet a fault; nothing or all is written, and the exit code says which."""
        if replacing:
            self.out.write_bytes(b"before")
        else:
            self.out.unlink(missing_ok=True)
        if self.name.startswith(SPEAK_ENGLISH):
            language = "en"
        spoken = [] if language == "en" else ["--lang", language]
        ran = self.run(*spoken, *(["--force"] if replacing else []), **fault)
        told = f"{self.name} {fault} {ran}"
        number, error = fault.get("number", 0), fault.get("error", 0)
        whole = self.out.exists() and self.without_seconds() == self.answer
        if ran.code in (0, 1):
            assert whole, told
        elif self.out.exists():
            assert whole or (replacing and self.out.read_bytes() == b"before"), told
        left = [path for path in self.commands.folder.iterdir() if path != self.out]
        if number in (KILLED, signal.SIGXFSZ):
            assert ran.code in (-number, self.whole.code), told
            assert all(path.name.startswith(f".{self.out.name}.") for path in left), told
            for path in left:
                path.unlink()
        else:
            assert left == [], told
            assert "Traceback" not in ran.stderr, told
        if number in (ENDED, INTERRUPTED):
            assert (ran.code, ran.stderr) in (
                (128 + number, ""),
                (-number if "after" in fault else 128 + number, ""),  # it had not begun yet
                (self.whole.code, self.whole.stderr),
            ), told
        if error and ran.code not in (0, 1):
            assert ran.code == 2, told
            reason = (
                say("refused", REFUSED[error], language) if error in REFUSED else os.strerror(error)
            )
            assert ran.stderr == (
                f"mentor-rules: {say('usage', 'cannot_write', language, reason=reason)}\n"
            ), told


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = dossier(tmp_path_factory.mktemp("small"))
    report = check(Dossier.read(path), as_of=date.fromisoformat(DAY[1]))
    Path(f"{path}.result").write_text(report.to_json(), "utf-8")
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with Commands(tmp_path_factory.mktemp("faults") / FOLDER) as commands:
        yield commands


@pytest.fixture
def commands(server: Commands) -> Commands:
    shutil.rmtree(server.folder)
    server.folder.mkdir()
    return server


def at_each_change(desk: Desk) -> None:
    languages = random.Random(desk.name)
    for replacing in (False, True):
        for place in range(1, desk.whole.changes + 1):
            for number in (KILLED, ENDED, INTERRUPTED):
                desk.meet(replacing=replacing, at_change=place, number=number)
            for error in ERRORS:
                language = languages.choice(LANGUAGES)
                desk.meet(language, replacing=replacing, at_change=place, error=error)


def in_the_midst(desk: Desk, moments: int) -> None:
    seeded = random.Random(desk.name)
    size = len(desk.answer)
    for at_byte in {0, 1, *(seeded.randrange(size) for _ in range(moments))}:
        replacing = seeded.random() < 0.5
        desk.meet(replacing=replacing, at_byte=at_byte, number=signal.SIGXFSZ)
        desk.meet("kk", replacing=replacing, at_byte=at_byte, error=errno.EFBIG)


def at_any_moment(desk: Desk, moments: int) -> None:
    seeded = random.Random(desk.name)
    for _ in range(moments):
        for number in (KILLED, ENDED, INTERRUPTED):
            replacing, after = seeded.random() < 0.5, seeded.uniform(0.001, 0.2)
            desk.meet(replacing=replacing, after=after, number=number)


def test_at_each_step_of_writing_there_is_nothing_or_all(commands: Commands, small: Path) -> None:
    desk = Desk(commands, "schema result", small)
    assert desk.whole.changes == 2  # made, renamed
    at_each_change(desk)
    assert desk.met == 2 * 2 * 6
    in_the_midst(desk, 3)


def test_a_report_is_written_whole_or_not_at_all(commands: Commands, small: Path) -> None:
    desk = Desk(commands, "check json", small)
    in_the_midst(desk, 3)
    at_any_moment(desk, 3)


@pytest.mark.long
def test_every_command_meets_every_fault(commands: Commands, small: Path) -> None:
    met = {}
    for name in WRITING:
        shutil.rmtree(commands.folder)
        commands.folder.mkdir()
        desk = Desk(commands, name, small)
        at_each_change(desk)
        if desk.answer != b"PK":
            in_the_midst(desk, 20)
        at_any_moment(desk, 20)
        met[name] = desk.met
    print("\nfaults met, by command", met, sum(met.values()))


REQUIREMENTS = ("requirements", "--format", "json")

# What the system refuses -----------------------------------------------------------------------


OWN_NAMESPACE = ("unshare", "--map-root-user", "--mount")
needs_a_disk = pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run([*OWN_NAMESPACE, "true"], capture_output=True, check=False).returncode != 0,
    reason="no file system may be mounted here, not even for one process",
)


def on_a_disk_of_its_own(
    folder: Path, options: str, *command: str | Path
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder that is a small file system, and list after it what is there."""
    script = (
        f"mount -t tmpfs -o {options} tmpfs '{folder}' && cd '{folder}' || exit 99; "
        '"$@"; code=$?; find . -type f; exit $code'
    )
    return subprocess.run(
        [*OWN_NAMESPACE, "sh", "-c", script, "sh", *command],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@needs_a_disk
@pytest.mark.parametrize(
    ("options", "refused", "language"),
    [("size=4k", "full", "kk"), ("size=64k,ro", "read_only", "ru")],
)
def test_a_full_and_a_read_only_disk_are_told_in_the_language_asked(
    options: str, refused: str, language: Language, tmp_path: Path
) -> None:
    command = (SCRIPT, *REQUIREMENTS, "--out", "out", "--lang", language)
    done = on_a_disk_of_its_own(tmp_path, options, *command)
    reason = say("refused", refused, language)
    message = say("usage", "cannot_write", language, reason=reason)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"mentor-rules: {message}\n"


def test_a_folder_of_somebody_else_is_told(commands: Commands) -> None:
    commands.folder.chmod(0o555)
    nobody: dict[str, Any] = {"user": 65534} if os.geteuid() == 0 else {}
    ran = commands.run(*REQUIREMENTS, "--out", "out", "--lang", "ru", **nobody)
    commands.folder.chmod(0o755)
    assert (ran.code, list(commands.folder.iterdir())) == (2, [])
    assert ran.stderr == "mentor-rules: ответ записать нельзя: у вас нет права туда писать\n"


def test_a_device_is_not_replaced_by_a_file(commands: Commands) -> None:
    device = commands.folder / "device"
    os.mkfifo(device)
    ran = commands.run("schema", "result", "--out", device, "--force")
    assert (ran.code, device.is_fifo()) == (2, True)
    assert "no ordinary file" in ran.stderr


# Standard streams ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        # More than a pipe holds, so that it is written after its reader has gone.
        (f"check '{DISTRICT}' --as-of {DAY[1]} --format json | head -c 9", 141, ""),
        ("--help | true", 141, ""),
        ("requirements --lang kk > /dev/full", 2, "дискіде орын жоқ"),
        ("rules list --lang ru >&-", 2, "стандартный вывод закрыт"),
        ("schema result --out out >&- <&-", 0, ""),
        ("check nowhere 2>&-", 2, ""),
    ],
)
def test_a_stream_that_is_closed_or_full_flags_nothing(
    line: str, code: int, told: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"'{SCRIPT}' {line}"],
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == code
    assert told in done.stderr
    assert done.stderr.count("\n") == bool(told)
    assert [path.name for path in tmp_path.iterdir()] == (["out"] if "out" in line else [])


# Ctrl-C before there is anything to interrupt -----------------------------------------------------

STARTED = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell goes on beside it
_, place, *sys.argv[1:] = sys.argv
class Interrupt:
    def find_spec(self, name, *_):
        if name == place:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from mentor_rules.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["mentor_rules.cli", "typer", "mentor_rules.rulebook"])
def test_a_program_that_still_starts_is_interrupted_without_a_word(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTED, module, *REQUIREMENTS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-INTERRUPTED, "", "")


def test_python_can_be_asked_for_the_program() -> None:
    by_name, by_python = (
        subprocess.run([*program, *REQUIREMENTS], capture_output=True, check=True)
        for program in ((SCRIPT,), (sys.executable, "-m", "mentor_rules"))
    )
    assert by_python.stdout == by_name.stdout


# A bulk audit ------------------------------------------------------------------------------------


@pytest.fixture
def audits(tmp_path: Path) -> Iterator[Commands]:
    with Commands(tmp_path / FOLDER, "mentor_rules.audit") as commands:
        yield commands


def audited(commands: Commands, out: str, *more: str, **fault: Any) -> Ran:
    day, parquet = ("--as-of", DAY[1]), str(PARQUET)
    return commands.run("audit", parquet, "--out", out, *day, "--confirm", "none", *more, **fault)


def answer_in(folder: Path) -> dict[str, bytes]:
    """Everything that an audit wrote, but for the time that it took."""
    return {
        path.relative_to(folder).as_posix(): re.sub(rb'"took_s": [0-9.]+', b"", path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def stop_and_go_on(commands: Commands, places: Iterable[int], number: int) -> None:
    """Stop an audit at some of its changes: there is no answer, or the whole; the next one ends."""
    whole = answer_in(commands.folder / "whole")
    for place in places:
        out = commands.folder / "out"
        ran = audited(commands, "out", at_change=place, number=number)
        assert ran.code == (-KILLED if number == KILLED else 128 + number), (place, ran)
        assert ran.stderr == ""
        if (out / "run.json").exists():
            found = answer_in(out)
            assert {name: found[name] for name in whole} == whole, place
        ran = audited(commands, "out", "--force")
        assert (ran.code, ran.stderr) == (1, ""), (place, ran)
        assert answer_in(out) == whole, place
        shutil.rmtree(out)


def test_an_audit_that_was_killed_ends_as_one_that_was_not(audits: Commands) -> None:
    changes = audited(audits, "whole").changes
    seeded = random.Random(9)
    # While it judges, and while it clears away its steps after the answer is there.
    stop_and_go_on(audits, [seeded.randrange(3, changes - 60), changes - 9], KILLED)


@pytest.mark.long
@pytest.mark.parametrize("number", [KILLED, ENDED, INTERRUPTED])
def test_an_audit_may_be_stopped_at_any_change(audits: Commands, number: int) -> None:
    changes = audited(audits, "whole").changes
    places = range(1 + number % 3, changes + 1, 3)
    stop_and_go_on(audits, places, number)
    print(f"\n{len(places)} audits stopped by signal {number}")


# At 260k Polars once wrote the half of a file without a word.
@needs_a_disk
def test_an_audit_on_a_full_disk_gives_no_answer(tmp_path: Path) -> None:
    day = ("--as-of", DAY[1], "--lang", "kk")
    command = (SCRIPT, "audit", PARQUET, "--out", "out", *day)
    done = on_a_disk_of_its_own(tmp_path, "size=260k", *command)
    assert done.returncode == 2
    assert done.stderr == "mentor-rules: жауапты жазу мүмкін емес: дискіде орын жоқ\n"
    assert "./out/run.json" not in done.stdout


@pytest.mark.long
@needs_a_disk
def test_an_audit_fits_on_a_disk_or_says_that_it_does_not(tmp_path: Path) -> None:
    codes = set()
    for size in range(12, 600, 24):
        command = (SCRIPT, "audit", PARQUET, "--out", "out", "--as-of", DAY[1])
        done = on_a_disk_of_its_own(tmp_path, f"size={size}k", *command)
        assert done.returncode in (1, 2), done.stderr
        assert ("./out/run.json" in done.stdout) == (done.returncode == 1)
        codes.add(done.returncode)
    assert codes == {1, 2}
