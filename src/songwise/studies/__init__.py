"""Studies: a closer look at the best model, at clusters, at shortcuts in the files, and at published systems."""
