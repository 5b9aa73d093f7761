"""The JavaScript runtime that yt-dlp needs for YouTube: without one it gets few videos or none."""

from urllib.parse import urlsplit

from songwise.errors import InputError

_HOSTS = ("youtube.com", "youtu.be", "youtube-nocookie.com")


def is_youtube(address: str) -> bool:
    """Return whether a URL, or a search such as ytsearch5:WORDS, goes to YouTube."""
    host = urlsplit(address).hostname or ""
    return address.startswith("ytsearch") or any(host == name or host.endswith(f".{name}") for name in _HOSTS)


def check_runtime() -> None:
    """Check that this machine has a JavaScript runtime that is new enough for yt-dlp.

    Raises
    ------
    InputError
        If there is none; the message names the runtimes that are too old, and how to install one.
    """
    from yt_dlp.utils import _jsruntime

    kinds = (_jsruntime.DenoJsRuntime, _jsruntime.NodeJsRuntime, _jsruntime.BunJsRuntime, _jsruntime.QuickJsRuntime)
    runtimes = [kind().info for kind in kinds]
    if any(info and info.supported for info in runtimes):
        return
    old = [
        f"{info.name} {info.version} is too old, {'.'.join(map(str, kind.MIN_SUPPORTED_VERSION))} or newer is needed"
        for kind, info in zip(kinds, runtimes, strict=True)
        if info
    ]
    raise InputError(
        f"YouTube needs a JavaScript runtime, and this machine has none that works ({'; '.join(old) or 'none found'}). "
        "Install one of these: Deno with .venv/bin/pip install 'deno>=2.3,<3' (42 MB; the extra youtube of "
        "pyproject.toml), or Node 22 or newer on the PATH"
    )
