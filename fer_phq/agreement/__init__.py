"""How far coders of one recording agree, and how far a coder and a model do."""
