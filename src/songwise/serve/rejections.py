"""Why an upload is not usable music, as a code for programs and a sentence for people."""

_CODES = {  # first words of a reason in tracks.csv: code, and what to do
    "empty": ("empty", "The file is empty. Choose another file."),
    "a video": ("video", "The file is a video. Send its sound alone, such as an MP3 or a WAV file."),
    "too_long": ("too_long", "The file is longer than {longest}. Send a shorter piece of it."),
    "too short": ("too_short", "The file is too short to judge ({reason}). Send a longer piece."),
    "silent": ("silent", "The file is silent. Choose a file with audible music, or check the microphone."),
    "undecodable: truncated": ("truncated", "The file is incomplete ({reason}). Copy or download it again."),
    "undecodable": ("unreadable", "The file cannot be read as audio ({reason}). Try an MP3, FLAC, OGG or WAV file."),
}
_OTHER = ("unreadable", "The file cannot be used ({reason}). Try an MP3, FLAC, OGG or WAV file.")


def explain(reason: str, *, max_seconds: float) -> tuple[str, str]:
    """Return the code and the sentence for a rejected upload.

    Parameters
    ----------
    reason : str
        The reason as in tracks.csv (`clips.load.RejectedError`).
    max_seconds : float
        Length of the longest song that is accepted.

    Returns
    -------
    code : str
        Such as "silent".
    message : str
        One sentence.
    """
    words = next((words for words in _CODES if reason.startswith(words)), "")
    code, message = _CODES.get(words, _OTHER)
    return code, message.format(reason=reason.removeprefix(words).lstrip(" :,"), longest=_duration(max_seconds))


def _duration(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 120 else f"{seconds:g} seconds"
