"""The oracle: exact scores of generated texts on toyworld. It only ever scores; no stage of a recipe may read it."""
