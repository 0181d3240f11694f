"""The command `python -m training.phq`: see `training.phq.train`."""

import sys

from training.phq.train import main

if __name__ == "__main__":
    sys.exit(main())
