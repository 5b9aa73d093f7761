"""Read a model's card, without the model."""

from pathlib import Path

from songwise.errors import InputError
from songwise.features.presets import TABLE
from songwise.files import read_json
from songwise.predict.layout import BUNDLE, CARD
from songwise.schemas.card import FORMAT, Card
from songwise.schemas.read import validate

MAKE_AGAIN = "delete the folder and run the same snakemake command again, or get the folder again"


def read_card(folder: Path) -> dict:
    """Return the model card of a folder.

    Parameters
    ----------
    folder : Path
        A model's folder.

    Returns
    -------
    dict
        The keys of `schemas.card.Card`.

    Raises
    ------
    InputError
        If there is none, if it is invalid, or if another version of songwise wrote it.
    """
    path = Path(folder) / CARD
    try:
        content = read_json(path)
    except FileNotFoundError:
        raise InputError(f"{folder}: contains no model ({CARD} is missing); {MAKE_AGAIN}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: is not JSON; {MAKE_AGAIN}") from None
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise InputError(
            f"{path}: was written by another version of songwise (format {found!r}; this version reads {FORMAT}). "
            "Install that version, or run snakemake again with this one"
        )
    return validate(content, Card, where=str(path)).model_dump()


def is_of_table(folder: Path) -> bool:
    """Return whether a folder's model was trained on a table of features, so that it cannot listen to audio."""
    try:
        return read_json(folder / BUNDLE / "bundle.json")["preset"]["name"] == TABLE
    except (OSError, ValueError, KeyError, TypeError):
        return False  # whoever reads the folder finds out what is wrong with it
