"""What the models of all files share: their settings, and types for numbers, names and lists.

Light: these models are imported at every start of Snakemake. They are built when they are first used.
"""

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WrapValidator

T = TypeVar("T")


class Section(BaseModel):
    """A mapping in a file of config/: unknown keys and values of another type are refused, and nothing is converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)


def _keep(value, check):
    """Check a number and return it as it is in the file, so that 10 stays an integer in every hash and table."""
    check(value)
    return value


def _unique(entries: list) -> list:
    """Return a list if no entry occurs twice."""
    repeated = [entry for place, entry in enumerate(entries) if entry in entries[:place]]
    if repeated:
        raise ValueError(f"{repeated[0]!r} is listed more than once")
    return entries


AS_WRITTEN = WrapValidator(_keep)
Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9_-]*$")]
UniqueList = Annotated[list[T], AfterValidator(_unique), Field(json_schema_extra={"uniqueItems": True})]


def _is_none(value: object) -> bool:
    return value is None


def optional(description: str, **constraints: Any) -> Any:
    """Return a field for a key that may be absent.

    Such a key is absent from `model_dump` as well, unlike a key whose value may be null.

    Parameters
    ----------
    description : str
        What the key means.
    **constraints
        Further arguments of `pydantic.Field`.

    Returns
    -------
    pydantic.fields.FieldInfo
        A field with the default None.
    """
    return Field(None, description=description, exclude_if=_is_none, **constraints)
