"""How the packaged root is made: pictures that anybody may use, a training, and the card that says what came of it.

python -m recipes.root.pictures --out DIR      # draws all pictures; needs the Debian packages of packages.txt
python -m recipes.root.train --pictures DIR --out root   # hours; goes on where it was stopped
"""
