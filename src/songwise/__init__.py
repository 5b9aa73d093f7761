"""songwise: classify music, and measure how well that works on songs the model has never heard."""


def __getattr__(name: str):
    # The one name of the Python interface; importing songwise itself stays free of numpy.
    if name == "load":
        from songwise.predict.load import load

        return load
    raise AttributeError(f"module 'songwise' has no attribute '{name}'")
