"""What every room stands on: records and their ids, errors, randomness, whole files, text for people."""
