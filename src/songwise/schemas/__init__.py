"""The files of config/ as typed models: what each key means, how a file is read, and how a mistake is reported."""
