"""`python -m training.emotion`: see `training.emotion.train`."""

import sys

from training.emotion.train import main

if __name__ == "__main__":
    sys.exit(main())
