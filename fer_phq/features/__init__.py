"""Feature series to numbers: functionals, windows, measures, features files."""
