"""songwise: classify music, and measure how well that works on songs the model has never heard."""
