"""What is wrong with a file's content, in plain English: the key, the value, and the nearest valid name."""

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from songwise.errors import suggestion

_TYPES = {
    "int_type": "an integer",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "is less than the minimum of"),
    "less_than_equal": ("le", "is greater than the maximum of"),
    "greater_than": ("gt", "is too small; it must be greater than"),
    "less_than": ("lt", "is too large; it must be less than"),
}
_FOLLOWS = "default_factory_not_called"  # of a key whose default follows from another, invalid one


class _Place(NamedTuple):
    """Where an error is.

    Attributes
    ----------
    keys : tuple of str
        The keys and indices from the top of the file, without what pydantic adds for unions.
    annotation : object
        The type at that place.
    owner : type or None
        The model of the last key.
    value : object
        The value at that place, or of the nearest place above it.
    union : FieldInfo or None
        The field, if none of its several forms fits the value.
    is_moot : bool
        Whether the error is about a form that the value does not try to have.
    """

    keys: tuple[str, ...]
    annotation: Any
    owner: type[BaseModel] | None
    value: Any
    union: FieldInfo | None = None
    is_moot: bool = False


def describe_errors(error: ValidationError, model: type[BaseModel], content: Mapping) -> list[str]:
    """Return one line per mistake in a file's content.

    Parameters
    ----------
    error : ValidationError
        What pydantic found.
    model : type of BaseModel
        The model that was validated.
    content : mapping
        The content of the file.

    Returns
    -------
    list of str
        Each line names the key, what is wrong, and the nearest valid name. Keys near the top of the file come first.
    """
    lines: dict[str, tuple] = {}
    for found in error.errors(include_url=False):
        place = _locate(found["loc"], model, content)
        if found["type"] != _FOLLOWS and not place.is_moot:
            keys, message = _describe(found, place)
            lines.setdefault(f"{'.'.join(keys)}: {message}" if keys else message, (len(keys), keys))
    return sorted(lines, key=lines.get)


def _locate(location: tuple, model: type[BaseModel], content: Any) -> _Place:
    """Follow a location of pydantic through the types and the content at the same time."""
    keys: list[str] = []
    annotation, owner, field, value = model, None, None, content
    for previous, step in zip((None, *location), location, strict=False):
        annotation = _without_none(annotation)
        if get_origin(annotation) in (Union, UnionType):
            form = _form(annotation, field, step)
            if isinstance(value, dict) and any(_is_model(one) for one in get_args(annotation)):
                if form is None:
                    return _Place(tuple(keys), annotation, owner, value, is_moot=True)
            elif form is None or not field.discriminator:
                return _Place(tuple(keys), annotation, owner, value, union=field)
            annotation = form
            continue
        if step == "[key]":
            return _Place(tuple(keys[:-1]), str, None, previous)
        if _is_model(annotation):
            owner, field = annotation, annotation.model_fields.get(step)
            annotation = field.annotation if field else None
        elif get_origin(annotation) in (list, dict):
            annotation = get_args(annotation)[-1]
        keys.append(str(step))
        value = _value_at(value, step)
    return _Place(tuple(keys), _without_none(annotation), owner, value)


def _form(union: Any, field: FieldInfo, step: object) -> type[BaseModel] | None:
    """Return the member of a union that a step of a location names, if it is a model."""
    for member in filter(_is_model, get_args(union)):
        if field.discriminator and step in get_args(member.model_fields[field.discriminator].annotation):
            return member
        if not field.discriminator and step == member.__name__:
            return member
    return None


def _without_none(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        members = [member for member in get_args(annotation) if member is not NoneType]
        return _without_none(members[0]) if len(members) == 1 else annotation
    return annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _value_at(value: Any, step: object) -> Any:
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return value


def _describe(found: Mapping, place: _Place) -> tuple[tuple[str, ...], str]:
    """Return the keys that a message is about, and the message."""
    kind, value, limits = found["type"], place.value, found.get("ctx", {})
    if place.union:
        return place.keys, f"{value!r} is not {_summary(place.union)}"
    if kind == "missing":
        return place.keys[:-1], f"key '{place.keys[-1]}' is missing"
    if kind == "extra_forbidden":
        return place.keys[
            :-1
        ], f"unknown key '{place.keys[-1]}'{suggestion(place.keys[-1], list(place.owner.model_fields))}"
    if kind == "invalid_key":
        return place.keys[:-1], f"unknown key {place.keys[-1]}"
    if kind == "union_tag_not_found":
        return place.keys, "key 'type' is missing"
    if kind == "union_tag_invalid":
        allowed = [tag for form in get_args(place.annotation) for tag in get_args(form.model_fields["type"].annotation)]
        return (*place.keys, "type"), _not_one_of(limits["tag"], allowed)
    if kind == "literal_error":
        return place.keys, _not_one_of(value, [str(one) for one in _allowed(place.annotation)])
    if kind in _BOUNDS:
        limit, words = _BOUNDS[kind]
        return place.keys, f"{value} {words} {_plain_number(limits[limit])}"
    if value is None and kind in (*_TYPES, "string_type"):
        return place.keys, f"is empty; it must be {_TYPES.get(kind, 'text')}"
    if kind in _TYPES:
        return place.keys, f"{value!r} is not {_TYPES[kind]}"
    return place.keys, _describe_rest(kind, value, limits, found["msg"])


def _describe_rest(kind: str, value: Any, limits: Mapping, message: str) -> str:
    if kind == "string_type":
        hint = "; put it in quotes" if isinstance(value, int | float) else ""
        return f"{value!r} is not text{hint}"
    if kind == "string_pattern_mismatch":
        return f"'{value}' has characters that are not allowed here ({limits['pattern']})"
    if kind == "string_too_short":
        return "is empty"
    if kind == "too_short":
        return f"has too few entries ({limits['actual_length']}); the minimum is {limits['min_length']}"
    if kind == "too_long":
        return f"has too many entries ({limits['actual_length']}); the maximum is {limits['max_length']}"
    if kind == "value_error":
        return str(limits["error"])
    return message


def _not_one_of(value: Any, allowed: list[str]) -> str:
    hint = suggestion(str(value), allowed)
    return f"'{value}' is not one of {', '.join(allowed)}{hint if 'did you mean' in hint else ''}"


def _plain_number(limit: float) -> str:
    return str(int(limit) if limit == int(limit) else limit)


def _allowed(annotation: Any) -> tuple:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _summary(field: FieldInfo) -> str:
    """Return the first sentence of a field's description, without Markdown."""
    return field.description.partition(". ")[0].replace("`", "")
