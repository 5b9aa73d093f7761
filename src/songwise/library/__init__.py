"""`songwise init`: turn a folder of your own music into a data set, and list what the user should check."""
