"""The description of the HTTP API, for programs (OpenAPI 3.1) and for people (a page without scripts)."""

from collections.abc import Mapping
from html import escape
from importlib.metadata import version

from songwise.serve.limits import Limits

_ERRORS = {
    "400": "no file in the body, or a parameter with an impossible value",
    "403": "the request comes from a page of another site",
    "408": "the upload was too slow",
    "413": "the file is too big",
    "415": "the body is a form instead of the file itself",
    "421": "the Host header does not name this machine",
    "422": "the file is not usable music; the code is one of empty, unreadable, truncated, video, too_long, too_short, "
    "silent",
    "429": "this client has too many files here; Retry-After says when to try again",
    "500": "songwise failed on this file; the code is one of crashed, memory, bug",
    "503": "too many files wait, the disk is nearly full, or the server is stopping; see Retry-After",
    "504": "the file took too long",
}
_SIMILAR_TRACK = {
    "type": "object",
    "properties": {
        "track": {"type": "integer", "description": "number of the track"},
        "track_id": {"type": "string"},
        "label": {"type": "string"},
        "artist": {"type": "string"},
        "title": {"type": "string"},
        "distance": {"type": "number", "description": "0 is the same; larger is less similar"},
        "audio": {"type": ["string", "null"], "description": "address of its audio; null if it is not on this machine"},
    },
}
_SHARES = {"type": "object", "additionalProperties": {"type": "number"}, "description": "probability of every class"}
_SCHEMAS = {
    "Error": {
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "code": {"type": "string", "description": "a word for programs"},
                    "message": {"type": "string", "description": "a sentence for people"},
                },
            }
        },
    },
    "Health": {
        "type": "object",
        "properties": {
            "status": {"enum": ["ok", "stopping"]},
            "dataset": {"type": "string"},
            "model": {"type": "string"},
            "busy": {"type": "integer", "description": "files in work"},
            "waiting": {"type": "integer", "description": "files that wait for a worker"},
            "workers": {"type": "integer", "description": "processes that are ready"},
        },
    },
    "Card": {
        "type": "object",
        "description": "The model card: classes, protocol, accuracy on songs never heard with its interval, licences "
        "and more. `limits` has max_bytes and max_seconds of an upload.",
    },
    "SimilarTrack": _SIMILAR_TRACK,
    "Verdict": {
        "type": "object",
        "properties": {
            "file": {"type": "string", "description": "the name that was sent"},
            "status": {"const": "ok"},
            "reason": {"type": "string"},
            "seconds": {"type": "number", "description": "length of the song"},
            "label": {"type": "string", "description": "the most probable class"},
            "probability": {"type": "number", "description": "its calibrated probability"},
            "known": {"type": "boolean", "description": "false if the song is unlike the training music"},
            "novelty": {"type": "number", "description": "share of training songs that are less unusual, 0 to 1"},
            "probabilities": _SHARES,
            "timeline": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "start": {"type": "number", "description": "seconds from the start of the song"},
                        "seconds": {"type": "number", "description": "length of the segment"},
                        "label": {"type": "string"},
                        "probability": {"type": "number"},
                        "probabilities": _SHARES,
                    },
                },
            },
            "similar": {"type": "array", "items": {"$ref": "#/components/schemas/SimilarTrack"}},
            "picture": {
                "type": "object",
                "description": "if asked for. peaks: lowest and highest sample of each column, -1 to 1. mel: bands, "
                "frames and data, which is base64 of one byte per band and frame, band by band from low to high",
            },
        },
    },
    "Similar": {
        "type": "object",
        "properties": {
            "file": {"type": "string"},
            "tracks": {"type": "array", "items": {"$ref": "#/components/schemas/SimilarTrack"}},
        },
    },
}


def describe_api(limits: Limits) -> dict:
    """Return the description of the API as an OpenAPI document.

    Parameters
    ----------
    limits : Limits
        The limits of uploads, which the document states.

    Returns
    -------
    dict
        OpenAPI 3.1.
    """
    name = _parameter("name", {"type": "string"}, "name of the file, for the answer")
    count = {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}
    same_artist = _parameter("artist_filter", _boolean(), "leave out tracks of the file's artist")
    artist = _parameter(
        "artist",
        {"type": "string"},
        "the file's artist, needed for artist_filter unless the file is a track of the data set",
    )
    nearest = _parameter("similar", {**count, "minimum": 0, "default": 0}, "number of similar tracks in the answer")
    picture = _parameter("picture", _boolean(), "include waveform and mel spectrogram")
    longest = f"Up to {limits.max_bytes / 2**20:g} MiB and {limits.max_seconds:g} seconds."
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "songwise",
            "version": version("songwise"),
            "description": f"Classify music with a trained model. Send the file itself as the body. {longest}",
        },
        "paths": {
            "/classify": {"post": _upload("Classify a song", [name, nearest, picture], "Verdict")},
            "/similar": {
                "post": _upload(
                    "Find similar tracks",
                    [name, _parameter("n", count, "number of tracks"), same_artist, artist],
                    "Similar",
                )
            },
            "/card": {"get": _read("The model card and the limits of uploads", "Card")},
            "/health": {"get": _read("What the server is doing", "Health")},
            "/tracks/{number}/audio": {"get": _audio()},
        },
        "components": {"schemas": _SCHEMAS},
    }


def _boolean() -> dict:
    return {"type": "boolean", "default": False}


def _parameter(name: str, schema: dict, description: str) -> dict:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _answer(schema: str) -> dict:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": schema, "content": content}


def _upload(summary: str, parameters: list[dict], schema: str) -> dict:
    audio = {"schema": {"type": "string", "format": "binary"}}
    errors = {status: {**_answer("Error"), "description": text} for status, text in _ERRORS.items()}
    return {
        "summary": summary,
        "parameters": parameters,
        "requestBody": {"required": True, "content": {"application/octet-stream": audio}},
        "responses": {"200": _answer(schema), **errors},
    }


def _read(summary: str, schema: str) -> dict:
    return {"summary": summary, "responses": {"200": _answer(schema)}}


def _audio() -> dict:
    number = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}
    return {
        "summary": "The audio of a track of the data set; byte ranges are supported",
        "parameters": [{**number, "description": "`track` in an answer"}],
        "responses": {
            "200": {"description": "the file", "content": {"audio/*": {}}},
            "206": {"description": "the range of it that was asked for", "content": {"audio/*": {}}},
            "404": {**_answer("Error"), "description": "the audio is not on this machine"},
            "416": {**_answer("Error"), "description": "the file has no such range"},
        },
    }


def docs_page(api: Mapping) -> str:
    """Return the page that shows the API to people.

    Parameters
    ----------
    api : mapping
        From `describe_api`.

    Returns
    -------
    str
        HTML, which needs no script.
    """
    sections = [
        _section(address, method, operation)
        for address, operations in api["paths"].items()
        for method, operation in operations.items()
    ]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>songwise: HTTP API</title>
<link rel="icon" href="static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="static/style.css">
</head>
<body>
<main>
<h1>HTTP API</h1>
<p>{escape(api["info"]["description"])} The answers are JSON.
For programs: <a href="openapi.json">openapi.json</a>. <a href=".">Back to the page</a></p>
<pre>curl --data-binary @song.mp3 "ADDRESS/classify?name=song.mp3&amp;similar=5"</pre>
{"".join(sections)}
</main>
</body>
</html>
"""


def _section(address: str, method: str, operation: Mapping) -> str:
    parameters = [(item["name"], item["description"]) for item in operation.get("parameters", [])]
    answers = [(status, response["description"]) for status, response in operation["responses"].items()]
    return (
        f'<section class="panel"><h2><code>{method.upper()} {escape(address)}</code></h2>'
        f"<p>{escape(operation['summary'])}</p>{_table('Parameter', parameters)}{_table('Status', answers)}</section>\n"
    )


def _table(title: str, rows: list[tuple[str, str]]) -> str:
    if not rows:
        return ""
    cells = "".join(
        f'<tr><th scope="row"><code>{escape(name)}</code></th><td>{escape(text)}</td></tr>' for name, text in rows
    )
    head = f'<thead><tr><th scope="col">{title}</th><th scope="col">Meaning</th></tr></thead>'
    return f"<table>{head}<tbody>{cells}</tbody></table>"
