"""Closer looks at a run: the best model, clusters, shortcuts, published systems."""
