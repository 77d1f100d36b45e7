"""The migrations, one a file, each naming the one before it."""
