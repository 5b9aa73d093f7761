"""References in BibTeX: what a paper that uses a run's results should cite."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from songwise.commands.latex import tex
from songwise.schemas.read import read_yaml

_CITATION = Path("CITATION.cff")

SCIKIT_LEARN, XGBOOST, LIBROSA, SNAKEMAKE = "pedregosa2011", "chen2016", "mcfee2015", "moelder2021"
CORRECTION, HOLM = "tsamardinos2018", "holm1979"
SONGWISE = "songwise"
# Of the networks in config/networks.
NETWORKS = {"efficientat_mn04": ("schmid2023icassp", "schmid2023eusipco"), "musicnn": ("pons2019",)}

_ENTRIES = {
    SCIKIT_LEARN: r"""@article{pedregosa2011,
  author  = {Pedregosa, Fabian and Varoquaux, Ga{\"e}l and Gramfort, Alexandre and Michel, Vincent and Thirion, Bertrand
             and Grisel, Olivier and Blondel, Mathieu and Prettenhofer, Peter and Weiss, Ron and Dubourg, Vincent and
             Vanderplas, Jake and Passos, Alexandre and Cournapeau, David and Brucher, Matthieu and Perrot, Matthieu and
             Duchesnay, {\'E}douard},
  title   = {Scikit-learn: Machine Learning in {Python}},
  journal = {Journal of Machine Learning Research},
  volume  = {12},
  pages   = {2825--2830},
  year    = {2011}
}""",
    XGBOOST: r"""@inproceedings{chen2016,
  author    = {Chen, Tianqi and Guestrin, Carlos},
  title     = {{XGBoost}: A Scalable Tree Boosting System},
  booktitle = {Proceedings of the 22nd {ACM SIGKDD} International Conference on Knowledge Discovery and Data Mining},
  pages     = {785--794},
  year      = {2016},
  doi       = {10.1145/2939672.2939785}
}""",
    LIBROSA: r"""@inproceedings{mcfee2015,
  author    = {McFee, Brian and Raffel, Colin and Liang, Dawen and Ellis, Daniel P. W. and McVicar, Matt and
               Battenberg, Eric and Nieto, Oriol},
  title     = {librosa: Audio and Music Signal Analysis in {Python}},
  booktitle = {Proceedings of the 14th Python in Science Conference},
  pages     = {18--25},
  year      = {2015}
}""",
    SNAKEMAKE: r"""@article{moelder2021,
  author  = {M{\"o}lder, Felix and Jablonski, Kim Philipp and Letcher, Brice and Hall, Michael B. and
             Tomkins-Tinch, Christopher H. and Sochat, Vanessa and Forster, Jan and Lee, Soohyun and
             Twardziok, Sven O. and Kanitz, Alexander and Wilm, Andreas and Holtgrewe, Manuel and Rahmann, Sven and
             Nahnsen, Sven and K{\"o}ster, Johannes},
  title   = {Sustainable data analysis with {Snakemake}},
  journal = {F1000Research},
  volume  = {10},
  number  = {33},
  year    = {2021}
}""",
    CORRECTION: r"""@article{tsamardinos2018,
  author  = {Tsamardinos, Ioannis and Greasidou, Elissavet and Borboudakis, Giorgos},
  title   = {Bootstrapping the out-of-sample predictions for efficient and accurate cross-validation},
  journal = {Machine Learning},
  volume  = {107},
  pages   = {1895--1922},
  year    = {2018}
}""",
    HOLM: r"""@article{holm1979,
  author  = {Holm, Sture},
  title   = {A simple sequentially rejective multiple test procedure},
  journal = {Scandinavian Journal of Statistics},
  volume  = {6},
  pages   = {65--70},
  year    = {1979}
}""",
    "schmid2023icassp": r"""@inproceedings{schmid2023icassp,
  author    = {Schmid, Florian and Koutini, Khaled and Widmer, Gerhard},
  title     = {Efficient Large-Scale Audio Tagging via Transformer-to-{CNN} Knowledge Distillation},
  booktitle = {{IEEE} International Conference on Acoustics, Speech and Signal Processing ({ICASSP})},
  year      = {2023}
}""",
    "schmid2023eusipco": r"""@inproceedings{schmid2023eusipco,
  author    = {Schmid, Florian and Koutini, Khaled and Widmer, Gerhard},
  title     = {Low-Complexity Audio Embedding Extractors},
  booktitle = {31st European Signal Processing Conference ({EUSIPCO})},
  year      = {2023}
}""",
    "pons2019": r"""@inproceedings{pons2019,
  author    = {Pons, Jordi and Serra, Xavier},
  title     = {musicnn: Pre-trained convolutional neural networks for music audio tagging},
  booktitle = {Late-Breaking/Demo Session of the 20th International Society for Music Information Retrieval Conference
               ({ISMIR})},
  year      = {2019}
}""",
}


def entries(keys: Iterable[str], card: Mapping) -> list[str]:
    """Return BibTeX entries: songwise, the data set if it asks to be cited, then the given ones.

    Parameters
    ----------
    keys : iterable of str
        Keys of this module, such as SCIKIT_LEARN.
    card : mapping
        The champion's card, which has the data set's citation and the version of songwise.

    Returns
    -------
    list of str
        One text of several lines per entry.
    """
    listed = [_songwise(card), *([_dataset(card)] if card["citation"] else [])]
    return [*listed, *(_ENTRIES[key] for key in dict.fromkeys(keys))]


def dataset_key(card: Mapping) -> str:
    """Return the key of a data set's entry.

    Parameters
    ----------
    card : mapping
        The champion's card.
    """
    return f"dataset-{card['dataset']}"


def _songwise(card: Mapping) -> str:
    about = read_yaml(_CITATION) if _CITATION.is_file() else {}
    names = [_author(author) for author in about.get("authors", [])] or ["{The songwise authors}"]
    fields = {
        "author": " and ".join(names),
        "title": "{songwise}",
        "version": card["versions"]["songwise"],
        "year": str(about.get("date-released", ""))[:4],
        "doi": about.get("doi", ""),
        "url": about.get("url") or about.get("repository-code", ""),
        "note": f"Licence: {about['license']}" if "license" in about else "",
    }
    return _entry("misc", SONGWISE, fields)


def _author(author: Mapping) -> str:
    """Return an author of CITATION.cff: a person, or braces around the name of a group."""
    if "family-names" in author:
        return tex(", ".join(filter(None, (author["family-names"], author.get("given-names")))))
    return f"{{{tex(author['name'])}}}"


def _dataset(card: Mapping) -> str:
    fields = {"title": tex(card["title"]), "note": tex(card["citation"]), "url": card["homepage"] or ""}
    return _entry("misc", dataset_key(card), fields)


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    lines = [f"  {name:7} = {{{value}}}" for name, value in fields.items() if value]
    return f"@{kind}{{{key},\n" + ",\n".join(lines) + "\n}"
