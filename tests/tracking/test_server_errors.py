"""A server that refuses or fails is reported in one line that says what to do, and never with a password."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import songwise
from songwise.errors import InputError
from songwise.tracking.store import open_store

DENIED = b"Permission denied"
HOST = b"Invalid Host header - possible DNS rebinding attack detected"


@pytest.fixture
def server(monkeypatch):
    """Run a server, and yield a function that sets its answer to all requests, and the number of requests."""
    answer, asked = [200, b"{}"], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.path)
            status = answer[0].pop(0) if isinstance(answer[0], list) else answer[0]
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])

        do_GET = do_POST  # noqa: N815

        def log_message(self, *words):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://kim:secret@127.0.0.1:{http.server_port}")

    def set_answer(status, body=b"{}"):
        answer[:] = [status, body]

    yield set_answer, asked
    http.shutdown()
    http.server_close()


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (
            401,
            b"You are not authenticated",
            "does not accept this user name .* Set MLFLOW_TRACKING_USERNAME",
        ),
        (403, DENIED, "does not permit this user .* EDIT on this experiment"),
        (403, HOST, "refuses requests to the name 127.0.0.1. Its administrator adds it to MLFLOW_SERVER_ALLOWED_HOSTS"),
        (413, b"<html>Too Large</html>", "larger than the server accepts. Its administrator raises the limit"),
        (500, b"oh", r"answers with an error \(500\). Its log has the reason. Run the same command again"),
    ],
)
def test_an_answer_is_explained(server, status, body, message):
    set_answer, _ = server
    set_answer(status, body)
    for call in (open_store().__enter__, lambda: songwise.load("models:/demo@champion")):
        with pytest.raises(InputError, match=message) as caught:
            call()
        assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_server_that_starts_again_is_waited_for(server, monkeypatch, capsys):
    monkeypatch.setattr("songwise.tracking.store._PAUSE", 0.1)
    set_answer, asked = server
    set_answer([502, 503, 200])
    with open_store(patience=5) as store:
        assert store.is_shared
    assert len(asked) == 3
    assert capsys.readouterr().err.count("no answer yet, waiting up to 5 s") == 1


def test_a_refusal_is_not_waited_for(server):
    set_answer, asked = server
    set_answer(401, b"You are not authenticated")
    with pytest.raises(InputError), open_store(patience=30):
        pass
    assert len(asked) == 1
