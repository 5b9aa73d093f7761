"""songwise init: a folder of one's own music becomes a data set, and what is odd about it is said."""
