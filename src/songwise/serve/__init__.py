"""`songwise serve`: a page and an HTTP API on this machine, with a trained model behind them."""
