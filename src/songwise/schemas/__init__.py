"""The files of config/ as typed models: what each key means, how a file is read, and what a mistake is called."""
