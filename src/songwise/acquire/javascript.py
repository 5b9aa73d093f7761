"""What YouTube asks of this machine: a JavaScript runtime, without which yt-dlp gets few videos or none."""

from urllib.parse import urlsplit

from songwise.errors import InputError

_HOSTS = ("youtube.com", "youtu.be", "youtube-nocookie.com")


def is_youtube(address: str) -> bool:
    """Whether a URL, or a search such as ytsearch5:WORDS, goes to YouTube."""
    host = urlsplit(address).hostname or ""
    return address.startswith("ytsearch") or any(host == name or host.endswith(f".{name}") for name in _HOSTS)


def check_runtime() -> None:
    """Raise InputError, naming what was found and how to get one, if no JavaScript runtime here is new enough."""
    from yt_dlp.utils import _jsruntime

    kinds = (_jsruntime.DenoJsRuntime, _jsruntime.NodeJsRuntime, _jsruntime.BunJsRuntime, _jsruntime.QuickJsRuntime)
    found = [kind().info for kind in kinds]
    if any(info and info.supported for info in found):
        return
    old = [
        f"{info.name} {info.version} (it takes {'.'.join(map(str, kind.MIN_SUPPORTED_VERSION))} or newer)"
        for kind, info in zip(kinds, found, strict=True)
        if info
    ]
    raise InputError(
        f"YouTube asks for a JavaScript runtime, and there is {' and '.join(old) or 'none'} here. "
        "Any of these will do: .venv/bin/pip install 'deno>=2.3,<3' (42 MB; the extra youtube of pyproject.toml); "
        "Node 22 or newer on the PATH"
    )
