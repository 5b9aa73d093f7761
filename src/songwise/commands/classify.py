"""`songwise classify`: say what new files sound like."""

import argparse
import gc
import os


def run(arguments: argparse.Namespace) -> None:
    """Classify files by the model of a finished run, and print the answers as they come.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: paths, json, csv, cores, max_seconds, dataset, model.
    """
    gc.disable()  # while modules are imported, which takes a sixth less time; `answer_files` enables it again
    from songwise.commands.chosen_model import chosen_model
    from songwise.commands.say import say
    from songwise.predict.card import read_card
    from songwise.predict.inputs import list_files
    from songwise.predict.many import answer_files
    from songwise.predict.output import introduce, print_csv, print_json, print_table

    files, folder = list_files(arguments.paths), chosen_model(arguments)
    card = read_card(folder)
    say(introduce(card))
    cores = arguments.cores or os.cpu_count() or 1
    answers = answer_files(folder, files, cores=cores, max_seconds=arguments.max_seconds)
    if arguments.csv:
        print_csv(answers, card["classes"])
    else:
        (print_json if arguments.json else print_table)(answers)
