"""Speaks of batches with an endpoint: files sent and fetched, batches asked for and looked at."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from annotation.domain.judges.batch_lines import PATH
from annotation.services.judges import replies
from annotation.services.judges.batches.files import PIECE, FileTransport
from annotation.services.judges.sending import Blame, Line, blame_of

FILE_SECONDS = 600.0  # in which a file must be over the line
TAG = "quorum"  # under which a batch's metadata holds our name for it
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}")
PAGE, MOST_PAGES = 100, 20
MOST_WORDS = 6  # codes and messages of a batch's errors
CERTAIN = (Blame.REQUEST, Blame.SETTINGS, Blame.BUSY)


class Refused(Exception):
    """The endpoint did not do what it was asked. `is_certain`: it surely did nothing of it.

    `status` is of its answer, 0 where there was none.
    """

    def __init__(
        self, blame: Blame, detail: str, *, is_certain: bool = False, status: int = 0
    ) -> None:
        super().__init__(detail)
        self.blame, self.detail, self.is_certain = blame, detail[:500], is_certain
        self.status = status


@dataclass(frozen=True)
class Told:
    """What an endpoint says of a batch. `n_done` is None where it does not count."""

    external_id: str
    status: str
    n_done: int | None
    output_file: str
    error_file: str
    detail: str


class FileLine(Line):
    """A way to an endpoint's batches. Its key is in nothing that it returns or raises."""

    def __init__(self, base_url: str, key: str, timeout: float) -> None:
        import httpx2  # here, so that only processes that ask judges load the client

        super().__init__(base_url, key, timeout)
        self.broken = httpx2.HTTPError
        self.files_client = self.client.with_options(
            http_client=httpx2.Client(
                transport=FileTransport(key),
                follow_redirects=False,
                trust_env=False,
                timeout=timeout,
            )
        )

    def close(self) -> None:
        self.client.close()
        self.files_client.close()

    def upload(self, file: IO[bytes], name: str) -> str:
        """Send an input file; give its name there."""
        with self.asking():
            made = self.files_client.files.create(
                file=(name, file, "application/jsonl"), purpose="batch", timeout=FILE_SECONDS
            )
            return self.name_in(made, "id")

    def submit(self, input_file: str, tag: str) -> Told:
        """Ask for a batch, under a tag by which `find` finds it again."""
        with self.asking():
            made = self.files_client.batches.create(
                completion_window="24h",
                endpoint=PATH,  # type: ignore[arg-type]
                input_file_id=input_file,
                metadata={TAG: tag},
            )
            return self.told(made)

    def look(self, external_id: str) -> Told:
        with self.asking():
            return self.told(self.files_client.batches.retrieve(external_id))

    def find(self, input_file: str, tag: str) -> Told | None:
        """Look for a batch among the newest 2,000, by its tag or its input file, which is of no
        other batch."""
        wanted: dict[str, Any] = {"limit": PAGE}
        for _ in range(MOST_PAGES):
            page = self.listed(wanted)
            for one in page["data"]:
                name = named(one.get("id"))
                tags = one.get("metadata")
                is_tagged = isinstance(tags, dict) and tags.get(TAG) == tag
                if name and (is_tagged or one.get("input_file_id") == input_file):
                    return self.look(name)
                wanted["after"] = name
            if page.get("has_more") is not True or not wanted.get("after"):
                return None
        return None

    def listed(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """A page of batches, as it came: the client library trips over one that is none."""
        with self.asking():
            page = self.files_client.get("/batches", cast_to=object, options={"params": wanted})
            if not isinstance(page, dict) or not isinstance(page.get("data"), list):
                raise ValueError("it does not list its batches")
            return page | {"data": [one for one in page["data"] if isinstance(one, dict)]}

    def knock(self) -> None:
        """See whether anybody is there: any answer but that it is down will do."""
        try:
            self.listed({"limit": 1})
        except Refused as refused:
            if refused.blame == Blame.ENDPOINT:
                raise

    def cancel(self, external_id: str) -> None:
        with self.asking():
            self.files_client.batches.cancel(external_id)

    def download(self, name: str, into: IO[bytes], is_stopping: Callable[[], bool]) -> None:
        """Fetch a whole file, in pieces; what is not whole is refused."""
        with (
            self.asking(),
            self.files_client.files.with_streaming_response.content(
                name, timeout=FILE_SECONDS
            ) as answer,
        ):
            for piece in answer.iter_bytes(PIECE):
                into.write(piece)
                refuse_stopped(is_stopping)

    def forget(self, name: str) -> None:
        """Have a file deleted there."""
        with self.asking():
            self.files_client.files.delete(name)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Turn what goes wrong into one refusal, with nothing secret in it."""
        try:
            yield
        except self.errors.APIStatusError as error:
            status, blame = error.response.status_code, blame_of(error.response.status_code)
            said = replies.error_in(self.redacted(error.response.text))
            told = f"HTTP {status}{': ' if said else ''}{said}"
            raise Refused(blame, told, is_certain=blame in CERTAIN, status=status) from None
        except (self.errors.APIError, self.broken, ValueError) as error:
            cause = error.__cause__ or error
            told = self.redacted(str(cause))[:300] or type(cause).__name__
            is_unsent = isinstance(cause, self.unsent)
            told = f"{'No connection' if is_unsent else 'No answer'}: {told}"
            raise Refused(Blame.ENDPOINT, replies.plain(told), is_certain=is_unsent) from None

    def told(self, batch: Any) -> Told:
        """Read what is said of a batch; whatever is no name is none."""
        counts = getattr(batch, "request_counts", None)
        n_done = getattr(counts, "completed", None)
        errors = getattr(getattr(batch, "errors", None), "data", None)
        told = errors if isinstance(errors, list) else ()
        words = [getattr(one, name, None) for one in told for name in ("code", "message")]
        said = " ".join([word for word in words if isinstance(word, str)][:MOST_WORDS])
        status = getattr(batch, "status", "")
        return Told(
            external_id=self.name_in(batch, "id"),
            status=status if isinstance(status, str) else "",
            n_done=n_done if type(n_done) is int and 0 <= n_done < 2**31 else None,
            output_file=named(getattr(batch, "output_file_id", None)),
            error_file=named(getattr(batch, "error_file_id", None)),
            detail=replies.plain(self.redacted(" ".join(said.split())))[:500],
        )

    def name_in(self, made: Any, field: str) -> str:
        name = named(getattr(made, field, None))
        if not name:
            raise ValueError("it answered without the name of what it made")
        return name


def refuse_stopped(is_stopping: Callable[[], bool]) -> None:
    """Leave the rest to the next worker.

    Raises:
        Refused: this one is to stop.
    """
    if is_stopping():
        raise Refused(Blame.WORKER, "The worker was told to stop.")


def named(value: Any) -> str:
    """A name as an endpoint gives them, "" where it is none: it will stand in an address."""
    return value if isinstance(value, str) and NAME.fullmatch(value) else ""
