"""The puppet of the demonstration: a portrait that is moved by a script and rendered as short clips."""
