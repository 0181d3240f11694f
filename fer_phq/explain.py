"""The public name of `fer_phq.models.explain`, also as a program: `python -m fer_phq.explain < face.png`."""

from fer_phq.models.explain import COLOURS, Relevance, main, relevance_map

__all__ = ["COLOURS", "Relevance", "main", "relevance_map"]

if __name__ == "__main__":
    main()
