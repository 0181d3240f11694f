"""Networks of a recipe: built, started from weights, optimised."""
