"""Networks that are trained on frames of clips, with torch (the extra `deep`)."""
