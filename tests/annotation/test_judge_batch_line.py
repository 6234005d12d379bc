import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from tempfile import TemporaryFile

import pytest

from annotation.services.judges.batches.line import FileLine, Refused
from annotation.services.judges.sending import Blame

KEY = "sk-practice/secret+0123456789"
SENT = {"Host", "Content-Type", "Content-Length", "Accept", "Accept-Encoding", "User-Agent",
        "Connection", "Authorization"}  # fmt: skip


class Server(ThreadingHTTPServer):
    """Gives every request one answer, and keeps what it was asked."""

    def __init__(self, status, body, **headers):
        self.status, self.body, self.headers, self.asked = status, body, headers, []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=[0.01], daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.asked.append((self.command, self.path, dict(self.headers), content))
        self.send_response_only(self.server.status)
        headers = {"Content-Length": str(len(self.server.body)), "Content-Type": "application/json"}
        for name, value in (headers | self.server.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_POST  # noqa: N815 - http.server's name

    def log_message(self, *args):
        pass


@pytest.fixture
def answering():
    servers = []

    def answering(status=200, body=b"{}", **headers):
        servers.append(Server(status, body, **headers))
        return servers[-1], FileLine(servers[-1].url, KEY, 5)

    yield answering
    for server in servers:
        server.shutdown()
        server.server_close()


def upload(line, content=b'{"custom_id":"1"}\n'):
    with TemporaryFile() as file:
        file.write(content)
        file.flush()
        return line.upload(file, "quorum.jsonl")


class TestALineForFiles:
    def test_sends_the_file_and_no_header_but_its_own(self, answering):
        server, line = answering(body=b'{"id": "file-1", "object": "file"}')
        content = b'{"custom_id":"1"}\n' * 20_000

        assert upload(line, content) == "file-1"

        ((command, path, headers, sent),) = server.asked
        assert (command, path, set(headers)) == ("POST", "/v1/files", SENT)
        assert headers["Content-Type"].startswith("multipart/form-data; boundary=")
        assert content in sent and b'name="purpose"\r\n\r\nbatch\r\n' in sent

    def test_asks_for_a_batch_within_a_day(self, answering):
        server, line = answering(body=b'{"id": "batch_1", "status": "validating"}')

        told = line.submit("file-1", "tag-1")

        ((_, path, headers, sent),) = server.asked
        assert (path, headers["Content-Type"]) == ("/v1/batches", "application/json")
        assert (told.external_id, told.status, told.n_done) == ("batch_1", "validating", None)
        assert (
            sent.count(b"24h") == sent.count(b"/v1/chat/completions") == sent.count(b"tag-1") == 1
        )

    def test_follows_no_redirect(self, answering):
        elsewhere, _ = answering()
        _, line = answering(status=307, Location=f"{elsewhere.url}/files")

        with pytest.raises(Refused) as refused:
            upload(line)

        assert (refused.value.blame, refused.value.is_certain) == (Blame.SETTINGS, True)
        assert elsewhere.asked == []

    def test_takes_no_proxy_of_the_environment(self, answering, monkeypatch):
        proxy, _ = answering()
        server, line = answering(body=b'{"id": "batch_1"}')
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)

        line.look("batch_1")

        assert (proxy.asked, len(server.asked)) == ([], 1)

    def test_reaches_no_forbidden_address(self):
        line = FileLine("http://169.254.169.254/v1", KEY, 2)

        with pytest.raises(Refused) as refused:
            line.look("batch_1")

        assert refused.value.blame == Blame.ENDPOINT

    @pytest.mark.parametrize(
        ("status", "blame", "is_certain"),
        [
            (400, Blame.REQUEST, True), (401, Blame.SETTINGS, True), (429, Blame.BUSY, True),
            (408, Blame.ENDPOINT, False), (500, Blame.ENDPOINT, False),
        ],
    )  # fmt: skip
    def test_tells_what_surely_was_not_done(self, status, blame, is_certain, answering):
        _, line = answering(status, b'{"error": {"message": "Your key %s"}}' % KEY.encode())

        with pytest.raises(Refused) as refused:
            line.submit("file-1", "tag-1")

        assert (refused.value.blame, refused.value.is_certain) == (blame, is_certain)
        assert refused.value.detail == f"HTTP {status}: Your key [key]"

    @pytest.mark.parametrize(
        "body",
        [b"", b"<html>", b"[]", b"7", b"{}", b'{"id": 7}', b'{"id": "../files/1"}',
         b'{"id": "a\\nb"}', b'{"id": "%s"}' % (b"x" * 300), b'"' + b"x" * 5 * 2**20 + b'"'],
    )  # fmt: skip
    def test_takes_no_answer_that_makes_no_sense(self, body, answering):
        _, line = answering(body=body)

        with pytest.raises(Refused) as refused:
            line.submit("file-1", "tag-1")

        assert not refused.value.is_certain

    @pytest.mark.parametrize(
        "told",
        [b'"status": 7', b'"request_counts": []', b'"request_counts": {"completed": -1}',
         b'"errors": {"data": 7}', b'"output_file_id": "../x"', b'"metadata": 7'],
    )  # fmt: skip
    def test_reads_nothing_into_what_a_batch_does_not_say(self, told, answering):
        _, line = answering(body=b'{"id": "batch_1", %s}' % told)

        read = line.look("batch_1")

        assert (read.status, read.n_done, read.output_file, read.detail) == ("", None, "", "")

    @pytest.mark.parametrize(
        "body", [b"<html>", b"[]", b"7", b"{}", b'{"data": 7}', b'{"data": null}']
    )
    def test_finds_nothing_where_no_batches_are_listed(self, body, answering):
        _, line = answering(body=body)

        with pytest.raises(Refused):
            line.find("file-1", "tag-1")

    @pytest.mark.parametrize(
        "listed", [b"", b"7", b"null", b'{"id": 7}', b'{"id": "batch_1", "metadata": []}']
    )
    def test_finds_no_batch_among_others(self, listed, answering):
        _, line = answering(body=b'{"data": [%s], "has_more": false}' % listed)

        assert line.find("file-1", "tag-1") is None

    @pytest.mark.parametrize(
        "listed", [b'"input_file_id": "file-1"', b'"metadata": {"quorum": "tag-1"}']
    )
    def test_finds_a_batch_by_its_tag_or_its_file(self, listed, answering):
        page = b'{"id": "page", "data": [{"id": "batch_1"}, {"id": "batch_2", %s}]}' % listed
        server, line = answering(body=page)

        line.find("file-1", "tag-1")

        assert [path for _, path, _, _ in server.asked][-1] == "/v1/batches/batch_2"

    def test_takes_no_file_that_is_not_whole(self, answering):
        _, line = answering(body=b"half", **{"Content-Length": "8"})

        with TemporaryFile() as file, pytest.raises(Refused):
            line.download("file-1", file, lambda: False)
