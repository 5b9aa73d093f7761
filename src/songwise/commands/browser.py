"""Open a page in the user's browser, where there is one."""

import os
import sys
import webbrowser


def has_desktop() -> bool:
    """Return whether a browser with windows can be opened: not on a server, and not over SSH."""
    if os.environ.get("BROWSER"):
        return True
    if os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_page(address: str) -> bool:
    """Open a page, and return whether a browser was started.

    Parameters
    ----------
    address : str
        A URL: http://, https:// or file://.

    Returns
    -------
    bool
        False without a desktop.
    """
    return has_desktop() and webbrowser.open(address)
