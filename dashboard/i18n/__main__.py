"""`python -m dashboard.i18n [LANGUAGE...]`: bring catalogues up to the code."""

import sys

from dashboard.i18n.translation import LOCALES, refresh

if __name__ == "__main__":
    for code in sys.argv[1:] or [path.stem for path in LOCALES.glob("*.po")]:
        print(refresh(code))
