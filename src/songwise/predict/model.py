"""A trained model that listens to files: verdicts with calibrated probabilities, timelines, and similar tracks."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import threadpoolctl

from songwise.clips.load import RejectedError
from songwise.errors import InputError
from songwise.evaluation.pooling import floored, highest, pool
from songwise.evaluation.temperature import calibrate
from songwise.predict.answer import Answer, Segment
from songwise.predict.folder import Contents, read_folder
from songwise.predict.hearing import Heard, Listener
from songwise.predict.neighbours import Neighbours
from songwise.predict.novelty import Novelty

if TYPE_CHECKING:
    import pandas as pd

_DECIMALS = 6  # of a clip's probability, as in predictions.csv, before clips are pooled


class SongModel:
    """A model of a finished run, for use on new files.

    Parameters
    ----------
    contents : Contents
        What `predict.folder.read_folder` returned.
    max_seconds : float, optional
        Length of the longest song that is accepted; by default that of the model's data set.

    Attributes
    ----------
    classes : list of str
        All classes that the model can answer, sorted.
    card : dict
        The model card: data, protocol, accuracy on songs never heard, and more (`schemas.card.Card`).
    """

    def __init__(self, contents: Contents, *, max_seconds: float | None = None):
        self.card = contents.card
        self.classes: list[str] = list(contents.card["classes"])
        self.tracks = contents.tracks
        self._pipeline = contents.pipeline
        self._novelty, self.neighbours = _spaces(contents)
        family = getattr(contents.pipeline, "family", None)
        limit = contents.card["max_seconds"] if max_seconds is None else max_seconds
        self._listener = Listener(contents.preset, contents.card["clip"], limit, family)
        self._temperatures = {level: part["temperature"] for level, part in contents.card["calibration"].items()}

    @classmethod
    def read(cls, folder: Path, *, max_seconds: float | None = None) -> "SongModel":
        """Read a model's folder.

        Parameters
        ----------
        folder : Path
            Such as results/NAME/champion.
        max_seconds : float, optional
            Length of the longest song that is accepted.

        Returns
        -------
        SongModel
            Ready to listen.

        Raises
        ------
        InputError
            If the folder cannot be used.
        """
        return cls(read_folder(folder), max_seconds=max_seconds)

    def __repr__(self) -> str:
        return f"<SongModel {self.card['model']} of {self.card['dataset']}, {len(self.classes)} classes>"

    def hear(self, path: Path | str) -> Heard:
        """Decode a file and compute the features of its clips, as a run does.

        Parameters
        ----------
        path : path-like
            An audio file.

        Returns
        -------
        Heard
            For `judge`.

        Raises
        ------
        RejectedError
            If the file is not usable music.
        """
        return self._listener.hear_file(Path(path))

    def raw_probabilities(self, heard: Heard) -> np.ndarray:
        """Return the model's own probabilities of each clip, float64, shape (clips, classes), without calibration."""
        with threadpoolctl.threadpool_limits(1):
            return self._pipeline.predict_proba(heard.X)

    def judge(self, heard: Heard, file: str) -> Answer:
        """Return the verdict on a song.

        Parameters
        ----------
        heard : Heard
            From `hear`.
        file : str
            Name of the file, for the answer.

        Returns
        -------
        Answer
            With the status "ok".
        """
        clips = floored(np.round(self.raw_probabilities(heard), _DECIMALS))
        logs, means = pool(np.log(clips)), pool(clips)
        label = self.classes[int(highest(logs, means)[0])]
        song = calibrate(logs, self._temperatures["song"])[0]
        novelty = self._novelty.score(heard.numbers)
        timeline = calibrate(np.log(clips), self._temperatures["clip"])
        return Answer(
            file=file,
            status="ok",
            seconds=round(heard.seconds, 3),
            label=label,
            probability=float(song[self.classes.index(label)]),
            known=bool(self._novelty.is_known(novelty)),
            novelty=float(self._novelty.rank(novelty)),
            probabilities=self._by_class(song),
            timeline=[
                self._segment(float(start), float(length), row)
                for start, length, row in zip(heard.starts, heard.lengths, timeline, strict=True)
            ],
            vector=self.neighbours.embed(heard.numbers),
        )

    def answer(self, path: Path | str, name: str | None = None) -> Answer:
        """Return the verdict on a file; a file that is not usable music is answered with the reason.

        Parameters
        ----------
        path : path-like
            An audio file.
        name : str, optional
            What to call it in the answer; the path by default.

        Returns
        -------
        Answer
            Whatever the file contains.
        """
        # Names that are not UTF-8 cannot be printed.
        shown = str(path).encode("utf-8", "replace").decode() if name is None else name
        return self._answered(lambda: self.hear(path), shown)

    def _answered(self, listen, file: str) -> Answer:
        try:
            return self.judge(listen(), file)
        except RejectedError as error:
            seconds = None if error.seconds is None else round(error.seconds, 3)
            return Answer(file, error.status, error.reason, seconds)

    def answers(self, songs: Any, sample_rate: int | None = None) -> list[Answer]:
        """Return the verdicts on some files or arrays.

        Parameters
        ----------
        songs : path-like, ndarray, or sequence of them
            Audio files. Arrays have the shape (n,) or (channels, n), with floats within [-1, 1].
        sample_rate : int, optional
            Of the arrays, in Hz.

        Returns
        -------
        list of Answer
            In the order of `songs`.

        Raises
        ------
        InputError
            If an array cannot be used. Files that cannot be used have a status and a reason instead.
        """
        answers = []
        for number, song in enumerate([songs] if isinstance(songs, str | Path | np.ndarray) else songs):
            if isinstance(song, str | Path):
                answers.append(self.answer(song))
            elif sample_rate is None:
                raise InputError("arrays need a sample rate: predict(samples, sample_rate=44100)")
            else:
                array = np.asarray(song)
                listen = lambda array=array: self._listener.hear_samples(array, sample_rate)  # noqa: E731
                answers.append(self._answered(listen, f"array {number}"))
        return answers

    def predict(self, songs: Any, sample_rate: int | None = None) -> "pd.DataFrame":
        """Classify files or arrays.

        Parameters
        ----------
        songs : path-like, ndarray, or sequence of them
            As for `answers`.
        sample_rate : int, optional
            Of the arrays, in Hz.

        Returns
        -------
        DataFrame
            One row per song: file, status, reason, seconds, label, probability, known, novelty, then p_CLASS for every
            class.
        """
        import pandas as pd

        rows = []
        for answer in self.answers(songs, sample_rate):
            row = answer.as_dict()
            del row["timeline"]
            probabilities = row.pop("probabilities")
            rows.append(row | {f"p_{label}": probabilities.get(label) for label in self.classes})
        return pd.DataFrame(rows)

    def timeline(self, path: Path | str) -> "pd.DataFrame":
        """Classify every segment of a file.

        Parameters
        ----------
        path : path-like
            An audio file.

        Returns
        -------
        DataFrame
            One row per clip that is not silent: start, seconds, label, probability, then p_CLASS for every class.

        Raises
        ------
        InputError
            If the file is not usable music.
        """
        import pandas as pd

        answer = self._usable(path)
        return pd.DataFrame(
            [
                {"start": part.start, "seconds": part.seconds, "label": part.label, "probability": part.probability}
                | {f"p_{label}": value for label, value in part.probabilities.items()}
                for part in answer.timeline
            ]
        )

    def embed(self, path: Path | str) -> np.ndarray:
        """Return where a song is in the space in which similar songs are close.

        Parameters
        ----------
        path : path-like
            An audio file.

        Returns
        -------
        ndarray of float32, shape (dimensions,)
            Comparable with other vectors of the same model only.

        Raises
        ------
        InputError
            If the file is not usable music.
        """
        return self._usable(path).vector

    def similar(self, vector: np.ndarray, n: int = 10, *, without_songs: Collection[str] = ()) -> list[dict]:
        """Return the tracks of the data set that are most similar to a song.

        Parameters
        ----------
        vector : ndarray of float32, shape (dimensions,)
            From `embed`, or of an Answer.
        n : int, default=10
            How many tracks at most.
        without_songs : collection of str, optional
            Songs whose tracks are left out (column song).

        Returns
        -------
        list of dict
            The nearest first: track (its place among `tracks`), distance, and the columns of tracks.csv.
        """
        left_out = set(without_songs)
        exclude = np.array([track["song"] in left_out for track in self.tracks]) if left_out else None
        indices, distances = self.neighbours.query(vector, n, exclude=exclude)
        return [
            {"track": int(index), "distance": round(float(distance), 4)} | self.tracks[index]
            for index, distance in zip(indices, distances, strict=True)
        ]

    def _usable(self, path: Path | str) -> Answer:
        answer = self.answer(path)
        if answer.status != "ok":
            raise InputError(f"{path}: {answer.reason}")
        return answer

    def _segment(self, start: float, seconds: float, probabilities: np.ndarray) -> Segment:
        place = int(probabilities.argmax())
        by_class = self._by_class(probabilities)
        return Segment(start, seconds, self.classes[place], float(probabilities[place]), by_class)

    def _by_class(self, probabilities: np.ndarray) -> dict[str, float]:
        return {label: round(float(value), _DECIMALS) for label, value in zip(self.classes, probabilities, strict=True)}


def _spaces(contents: Contents) -> tuple[Novelty, Neighbours]:
    try:
        novelty, neighbours = Novelty.from_arrays(contents.novelty), Neighbours.from_arrays(contents.neighbours)
        if len(neighbours) != len(contents.tracks):
            raise ValueError(f"{len(neighbours)} vectors for {len(contents.tracks)} tracks")
    except ValueError as error:
        raise InputError(f"the model's folder is damaged ({error}); run the same snakemake command again") from None
    return novelty, neighbours
