"""`songwise init`: turn a folder of your own music into a data set, and point out what is odd about it."""
