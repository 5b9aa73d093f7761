"""The key `recipe` of a configuration: what a published system reported."""

from typing import Annotated, Literal

from pydantic import Field

from songwise.schemas.section import AS_WRITTEN, Name, Section, Text


class Published(Section):
    """One published figure."""

    value: Annotated[float, Field(ge=0, le=1), AS_WRITTEN] = Field(description="accuracy, from 0 to 1")
    what: Text = Field(description="what was measured, in words")
    level: Literal["clip", "song"] = Field(
        "clip", description="whether clips or songs were counted. Figures of the same level are compared with it"
    )


class Recipe(Section):
    """A published system and its figures, for results/DATASET/recipe.csv."""

    name: Name = Field(description="letters, digits, - and _")
    source: Text = Field(description="where the system was published, such as its repository")
    protocol: Text = Field(description="the protocol here that is most similar to its own")
    published: dict[str, Published] = Field(
        min_length=1,
        description="one entry per figure, named `MODEL@PRESET`. "
        "A system that songwise does not have gets a name without @",
    )
