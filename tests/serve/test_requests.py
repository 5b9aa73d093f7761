"""Who may ask, and what the server answers to requests that it cannot use."""

import json
import socket
import time

import pytest
import requests

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def error_of(response: requests.Response) -> str:
    content = response.json()
    assert list(content) == ["error"] and list(content["error"]) == ["code", "message"]
    assert content["error"]["message"].endswith((".", "ADDRESS")), content
    return content["error"]["code"]


@pytest.mark.parametrize("name", ["localhost:{port}", "127.0.0.1:{port}", "[::1]:{port}", "LOCALHOST:{port}"])
def test_this_machine_is_answered_under_each_of_its_names(server, name):
    host = name.format(port=server.port)
    response = requests.get(f"{server.url}/health", headers={"Host": host}, timeout=10)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example:{port}", "127.0.0.1", "localhost:1", "localhost.evil.example:{port}", ""]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_other_name_reaches_the_server(server, song, host, method):
    # DNS rebinding: the name belongs to a stranger, and points here.
    headers = {"Host": host.format(port=server.port)}
    response = requests.request(method, f"{server.url}/classify", headers=headers, data=song, timeout=10)
    assert response.status_code == 421 and error_of(response) == "wrong_host"


def test_two_host_headers_are_refused(server):
    head = f"GET /card HTTP/1.1\r\nHost: evil.example\r\nHost: 127.0.0.1:{server.port}\r\n\r\n"
    assert server.raw(head.encode()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost:{port}"},  # another name than that of Host
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize("path", ["/classify", "/similar"])
def test_no_page_of_another_site_can_send_a_file(server, song, headers, path):
    headers = {name: value.format(port=server.port) for name, value in headers.items()}
    response = server.post(path, song, headers=headers)
    assert response.status_code == 403 and error_of(response) == "wrong_origin"
    assert "access-control-allow-origin" not in response.headers


def test_the_own_page_can_send_a_file(server, song):
    headers = {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}
    assert server.post("/classify", song, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/", "/health", "/nothing", "/static/style.css", "/docs", "/tracks/0/audio"])
def test_every_answer_forbids_foreign_content(server, path):
    response = requests.get(server.url + path, timeout=10)
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS
    assert "microphone=(self)" in response.headers["Permissions-Policy"]
    assert "server" not in response.headers


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static/..%5capp.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/index.html%00.css",
        "/static/",
        "/tracks/0/../../health/audio",
        "/tracks/-1/audio",
        "/tracks/99/audio",
        "/tracks/999999999999999999999999/audio",
        "/tracks/0%2f..%2f1/audio",
        "/tracks//etc/passwd/audio",
        "http://evil.example/",
        "//evil.example/",
    ],
)
def test_no_path_of_a_request_opens_a_file(server, path):
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n"
    answer = server.raw(head.encode())
    assert answer.startswith(b"HTTP/1.1 404 "), answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] in ("not_found", "no_audio")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/classify", 405, "wrong_method"),
        ("DELETE", "/card", 405, "wrong_method"),
        ("POST", "/nothing", 404, "not_found"),
        ("POST", "/classify", 400, "no_file"),
        ("POST", "/classify?similar=many", 400, "bad_parameter"),
        ("POST", "/classify?similar=-1", 400, "bad_parameter"),
        ("POST", "/classify?similar=101", 400, "bad_parameter"),
        ("POST", "/classify?similar=%C2%B2", 400, "bad_parameter"),
        ("POST", "/classify?picture=perhaps", 400, "bad_parameter"),
        ("POST", "/similar?n=0", 400, "bad_parameter"),
    ],
)
def test_each_wrong_request_has_a_code_and_a_sentence(server, method, path, status, code):
    response = requests.request(method, server.url + path, timeout=10)
    assert (response.status_code, error_of(response)) == (status, code)


def test_a_form_is_refused_with_the_command_that_works(server, song):
    response = requests.post(f"{server.url}/classify", files={"file": song}, timeout=10)
    assert response.status_code == 415 and "--data-binary" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "content",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 600,  # the start of TLS
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20_000 + b"Connection: close\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused(server, content):
    try:
        answer = server.raw(content)
    except ConnectionResetError:  # closed while the rest was being sent
        answer = b""
    assert answer == b"" or b'"error"' in answer or answer.startswith(b"HTTP/1.1 421 ")
    assert server.health()["status"] == "ok"
    assert "Traceback" not in server.text


def test_the_size_that_a_request_declares_is_refused_before_it_is_sent(server):
    head = f"POST /classify HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 3000000000\r\n"
    answer = server.raw(f"{head}Expect: 100-continue\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_the_size_is_counted_whatever_the_request_declares(server):
    def endless():
        for _ in range(100):
            yield b"RIFF" * 16_384

    response = server.post("/classify", endless())
    assert response.status_code == 413 and error_of(response) == "too_big"
    assert "2 MiB" in response.json()["error"]["message"]
    assert not server.uploads()


def test_a_request_whose_head_never_ends_is_closed(impatient):
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", impatient.port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        answer = b""
        for _ in range(100):
            try:
                connection.sendall(b"A: b\r\n")
                connection.settimeout(0.1)
                answer += connection.recv(10_000)
                break
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408 ") and b'"slow"' in answer
    assert time.monotonic() - start < 3


@pytest.mark.parametrize(("pause", "least", "most"), [(20, 0.4, 3), (0.2, 3.5, 10)])
def test_an_upload_that_stalls_or_drips_is_ended(impatient, pause, least, most):
    with socket.create_connection(("127.0.0.1", impatient.port)) as connection:
        head = f"POST /classify HTTP/1.1\r\nHost: 127.0.0.1:{impatient.port}\r\nContent-Length: 1000\r\n\r\n"
        connection.sendall(head.encode())
        start, answer = time.monotonic(), b""
        connection.settimeout(pause)
        while not answer:
            connection.sendall(b"a")
            try:
                answer = connection.recv(10_000)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408 ") and least < time.monotonic() - start < most
    assert not impatient.uploads()


def test_too_many_files_of_one_client_are_429_and_of_all_503(impatient):
    def begin(agent: str) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", impatient.port), timeout=10)
        head = f"POST /classify HTTP/1.1\r\nHost: 127.0.0.1:{impatient.port}\r\nUser-Agent: {agent}\r\n"
        connection.sendall(f"{head}Content-Length: 9\r\n\r\na".encode())
        return connection

    def status(connection: socket.socket) -> bytes:
        answer = connection.recv(10_000)
        return answer[9:12], b"retry-after: 5" in answer

    held = [begin("a"), begin("a")]
    third = begin("a")
    assert status(third) == (b"429", True)
    held.append(begin("b"))
    fifth = begin("b")
    assert status(fifth) == (b"503", True)
    assert [status(connection) for connection in held] == [(b"408", False)] * 3
    for connection in (*held, third, fifth):
        connection.close()
    response = impatient.post("/classify", b"no audio", headers={"User-Agent": "a"})
    assert response.status_code == 422  # the places are free again


def test_the_log_has_one_clean_line_per_request_and_no_names(server, song):
    before = len(server.text.splitlines())
    server.post("/classify?name=secret%0Aname.mp3&similar=1", song)
    server.raw(f"GET /a%0Ab%1B[31m HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n".encode())
    new = server.text.splitlines()[before:]
    assert [line.split()[:-2] for line in new] == [["POST", "/classify", "200"], ["GET", "/a", "b", "[31m", "404"]]
    assert "secret" not in server.text and "\x1b" not in server.text and "Traceback" not in server.text
