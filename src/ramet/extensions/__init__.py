"""Parts of methods that ramet brings along as anybody could: found by entry points, used where a method names them."""
